internal import Buffers
internal import Kernels
internal import Tensors

/// One slice of a `BoundedSearch` under way, group after group.
struct BoundedWork {
    /// What was found.
    private(set) var best: BestCenters
    /// Scores that were computed.
    private(set) var scoreCount = 0

    private let block: Tensor
    private let panels: CenterPanels
    private let order: [Int32]
    private let moves: GroupMoves
    /// What a group's bound must reach for each sample: the best score known, less its error.
    private var thresholds: [Float]
    /// The length of each sample, rounded up.
    private var lengths: [Float]
    private var visitors: [Int32] = []
    private var gathered: Tensor
    private var tile: Tensor

    private var rowCount: Int { block.shape[0] }
    private var dim: Int { block.shape[1] }

    /// - Parameter block: the samples `[rows, d]`.
    init(_ block: Tensor, _ panels: CenterPanels, order: [Int32], _ moves: GroupMoves) {
        let (rows, dim) = (block.shape[0], block.shape[1])
        self.block = block
        self.panels = panels
        self.order = order
        self.moves = moves
        best = BestCenters(rowCount: rows, depth: 1)
        thresholds = Array(repeating: -.infinity, count: rows)
        lengths = Array(repeating: 0, count: rows)
        gathered = Tensor(uninitialized: [CenterPanels.rowsMax(dim: dim), dim])
        tile = Tensor(
            uninitialized: [
                CenterPanels.rowsMax(dim: dim), max(moves.width, CenterPanels.columnsUnit),
            ])
        visitors.reserveCapacity(rows)
    }

    /// Takes the samples' last centers as a beginning.
    mutating func begin(from labels: [Int32], _ centers: Tensor) {
        let (block, dim) = (block, dim)
        for row in 0..<rowCount {
            let x = block.span.extracting((row * dim)..<((row + 1) * dim))
            let place = Int(labels[row]) * dim
            let c = centers.span.extracting(place..<(place + dim))
            let length = (Vector.sumOfSquares(x).squareRoot() * (1 + 0x1p-12)).nextUp
            lengths[row] = length
            let half = moves.slack.fixed == 0 ? 0 : Vector.sumOfSquares(c) / 2
            let slack = moves.slack.fixed + moves.slack.perLength * length
            thresholds[row] = Vector.dot(x, c) - half - slack
        }
    }

    /// Moves the bounds of a group and scores its centers for the samples whose bound reaches.
    ///
    /// - Parameter bounds: `[rows]`, of this group.
    @_lifetime(bounds: copy bounds)
    mutating func visit(_ group: Int, bounds: inout MutableSpan<Float>) {
        visitors.removeAll(keepingCapacity: true)
        if moves.lengths.isEmpty {
            visitors += (0..<Int32(rowCount))
        } else {
            move(&bounds, of: group)
        }
        let columns = (group * moves.width)..<min(order.count, (group + 1) * moves.width)
        let rowsMax = gathered.shape[0]
        scoreCount += visitors.count * columns.count
        for first in stride(from: 0, to: visitors.count, by: rowsMax) {
            score(first..<min(visitors.count, first + rowsMax), columns, &bounds)
        }
    }

    /// Adds what the moves can have added, and lists the samples whose bound then reaches.
    @_lifetime(bounds: copy bounds)
    private mutating func move(_ bounds: inout MutableSpan<Float>, of group: Int) {
        let perLength = Lanes(repeating: moves.lengths[group] + moves.slack.perLength)
        let fixed = Lanes(repeating: moves.norms[group] + moves.slack.fixed)
        let (lengthArray, thresholdArray) = (lengths, thresholds)
        let (lengths, thresholds) = (lengthArray.span, thresholdArray.span)
        var row = 0
        while row < rowCount {
            let count = min(Lanes.scalarCount, rowCount - row)
            let length = lengths.lanes(at: row, upTo: count)
            let moved =
                bounds.lanes(at: row, upTo: count) + fixed + perLength * length
            bounds.setLanes(moved, at: row, upTo: count)
            let reaches = moved .>= thresholds.lanes(at: row, upTo: count)
            if any(reaches) {
                for lane in 0..<count where reaches[lane] { visitors.append(Int32(row + lane)) }
            }
            row += Lanes.scalarCount
        }
    }

    /// Scores some of the visitors against a group's columns.
    @_lifetime(bounds: copy bounds)
    private mutating func score(
        _ part: Range<Int>, _ columns: Range<Int>, _ bounds: inout MutableSpan<Float>
    ) {
        let isWhole = visitors.count == rowCount
        if !isWhole { gather(part) }
        let (width, dim) = (columns.count, dim)
        let from = isWhole ? part.lowerBound * dim : 0
        computeScores(of: isWhole ? block : gathered, from, part.count, columns)
        let (order, tile) = (order, tile)
        let numbers = order.span.extracting(columns)
        for place in 0..<part.count {
            let row = Int(visitors[part.lowerBound + place])
            let values = tile.span.extracting((place * width)..<((place + 1) * width))
            let most = Vector.maximum(values)
            bounds[row] = most
            guard most >= best.scores[row] else { continue }
            best.merge(values, row: row, centers: numbers)
            thresholds[row] = max(thresholds[row], best.scores[row])
        }
    }

    private mutating func computeScores(
        of source: Tensor, _ from: Int, _ count: Int, _ columns: Range<Int>
    ) {
        let panels = panels
        let rows = source.span.extracting(from..<(from + count * panels.dim))
        var scores = tile.mutableSpan
        panels.score(rows, count, columns, into: &scores)
    }

    private mutating func gather(_ part: Range<Int>) {
        let (block, visitors, dim) = (block, visitors, dim)
        var output = gathered.mutableSpan
        for (place, visitor) in visitors[part].enumerated() {
            let from = Int(visitor) * dim
            var target = output._mutatingExtracting((place * dim)..<((place + 1) * dim))
            Vector.copy(block.span.extracting(from..<(from + dim)), into: &target)
        }
    }
}
