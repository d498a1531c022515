internal import Kernels
public import Tensors
internal import Threads

/// How evenly embeddings lie on the sphere (Wang and Isola, ICML 2020; sheet contrastive,
/// section 5): L_U = log of the mean over pairs i < j of e^(-t |f_i - f_j|^2).
///
/// It is negative, and the lower the more uniform; the contrastive paper reports -L_U. Evenly on a
/// sphere of D dimensions it is about 8/D - 4 for t = 2.
///
/// - Parameters:
///   - embeddings: f `[n, D]` of unit length, n at least 2.
///   - t: the scale.
///   - threads: without influence on the result.
public func uniformityLoss(of embeddings: Tensor, t: Double = 2, threads: Int) -> Double {
    precondition(
        embeddings.shape.rank == 2 && embeddings.shape[0] > 1, "embeddings \(embeddings.shape)")
    let n = embeddings.shape[0]
    let blocks = (n + pairBlockRows - 1) / pairBlockRows
    let sums = mapBlocks(count: blocks, threads: threads) { block in
        let first = block * pairBlockRows
        return pairPotential(embeddings, first..<min(n, first + pairBlockRows), t: Float(t))
    }
    let pairs = Double(n) * Double(n - 1) / 2
    let mean = sums.reduce(0, +) / pairs
    return DoubleMath.log(mean, guess: LaneMath.log(Float(mean)))
}

/// Rows whose pairs are looked at together: fixed, for sums follow it.
private let pairBlockRows = 256

/// The sum of e^(-t |f_i - f_j|^2) over rows i of a block and all j > i.
@inline(never)
private func pairPotential(_ f: Tensor, _ rows: Range<Int>, t: Float) -> Double {
    let (n, d) = (f.shape[0], f.shape[1])
    let squares = (rows.lowerBound..<n).map {
        Vector.sumOfSquares(f.span.extracting(($0 * d)..<(($0 + 1) * d)))
    }
    var sum = 0.0
    // Only rows from the block's first on can be behind one of its own.
    forEachScoreTile(f.rows(rows), f.rows(rows.lowerBound..<n)) { tile, columns in
        var exponents = [Float](repeating: 0, count: columns.count)
        var powers = exponents
        for row in 0..<rows.count where columns.upperBound > row + 1 {
            // Columns count from the block's first row, as rows do.
            let later = max(columns.lowerBound, row + 1)..<columns.upperBound
            for column in later {
                let place = row * columns.count + column - columns.lowerBound
                let distance = squares[row] + squares[column] - 2 * tile[place]
                exponents[column - later.lowerBound] = -t * max(distance, 0)
            }
            var span = powers.mutableSpan
            var part = span._mutatingExtracting(0..<later.count)
            Vector.exp(exponents.span.extracting(0..<later.count), into: &part)
            sum += Double(Vector.sum(part.span))
        }
    }
    return sum
}
