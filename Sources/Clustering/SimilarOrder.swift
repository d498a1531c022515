internal import Kernels
internal import Tensors
internal import Threads

/// An order of centers in which groups of `width` that follow each other are alike.
///
/// Halved again and again along the direction in which a part spreads most (a few rounds of power
/// iteration), always at a multiple of `width`: all groups but the last are full.
///
/// - Returns: all center numbers, once each.
func similarOrder(of centers: Tensor, width: Int, threads: Int) -> [Int32] {
    var parts = [(0..<centers.shape[0]).map { Int32($0) }]
    while parts.contains(where: { $0.count > width }) {
        let level = parts
        parts = mapBlocks(count: level.count, threads: threads) { part -> [[Int32]] in
            let members = level[part]
            guard members.count > width else { return [members] }
            return halves(of: members, centers, width: width)
        }.flatMap(\.self)
    }
    return parts.flatMap(\.self)
}

private func halves(of members: [Int32], _ centers: Tensor, width: Int) -> [[Int32]] {
    let direction = mainDirection(of: members, centers)
    let dim = centers.shape[1]
    let values = centers.span
    let keys = members.map { member in
        let place = Int(member) * dim
        return Vector.dot(values.extracting(place..<(place + dim)), direction.span)
    }
    let order = members.indices.sorted { (keys[$0], members[$0]) < (keys[$1], members[$1]) }
    let groups = (members.count + width - 1) / width
    let middle = (groups + 1) / 2 * width
    return [order[..<middle].map { members[$0] }, order[middle...].map { members[$0] }]
}

/// About the direction in which some centers differ most, from an even selection of them.
private func mainDirection(of members: [Int32], _ centers: Tensor) -> [Float] {
    let (dim, selectedMax, rounds) = (centers.shape[1], 1024, 4)
    let step = (members.count + selectedMax - 1) / selectedMax
    let numbers = stride(from: 0, to: members.count, by: step).map { members[$0] }
    let matrix = Samples(matrix: Samples(matrix: centers).tensor(of: numbers))
    let selection = matrix.tensor(of: (0..<numbers.count).map { Int32($0) })
    let mean = columnMeans(of: matrix, threads: 1)
    var rows = Tensor(uninitialized: selection.shape)
    var output = rows.mutableSpan
    Rows.subtract(selection.span, mean.span, into: &output)
    let row = { (index: Int) in (index * dim)..<((index + 1) * dim) }
    let values = rows.span
    var farthest = (row: 0, square: -Float.infinity)
    for index in 0..<numbers.count {
        let square = Vector.sumOfSquares(values.extracting(row(index)))
        if square > farthest.square { farthest = (index, square) }
    }
    var direction = (0..<dim).map { values[farthest.row * dim + $0] }
    for _ in 0..<rounds {
        var sum = [Float](repeating: 0, count: dim)
        var next = sum.mutableSpan
        for index in 0..<numbers.count {
            let part = values.extracting(row(index))
            Vector.axpy(Vector.dot(part, direction.span), part, into: &next)
        }
        let length = Vector.sumOfSquares(next.span).squareRoot()
        guard length > 0, length.isFinite else { break }
        for column in 0..<dim { direction[column] = next[column] / length }
    }
    return direction
}
