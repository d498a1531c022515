internal import Buffers
internal import Kernels
internal import Synchronization
internal import Tensors
internal import Threads

/// An exact search that remembers: of the same samples among centers that have moved a little.
///
/// Similar centers form groups. For each sample and group an upper bound of the scores is kept: the
/// best one when the group was last scored, plus what the centers' moves since can have added
/// (|x| |c' - c|, by Cauchy and Schwarz). A group whose bound does not reach the score of the
/// sample's last center cannot hold a nearer one, and is left out (Elkan, ICML 2003; groups of
/// centers as in Ding and others, "Yinyang k-means", ICML 2015). The bounds include what rounding
/// can do, so labels and scores are those of `ExactSearch`, bit for bit.
///
/// It is a cache: each `Target` compares its centers with those of the target before, and a slice
/// that was looked up among those goes on from its bounds.
final class BoundedSearch: Sendable {
    private let samples: Samples
    private let spherical: Bool
    private let width: Int
    private let slices: [BoundedSlice]
    private let newest: Mutex<Newest?>

    /// The centers of the last target.
    private struct Newest {
        var generation: Int
        var centers: Tensor
        /// All center numbers, group by group.
        var order: [Int32]
    }

    /// Centers made ready to be searched.
    struct Target: Sendable {
        /// How many targets there were before.
        let generation: Int
        let centers: Tensor
        /// All center numbers, group by group.
        let order: [Int32]
        /// The centers in this order.
        let panels: CenterPanels
        /// How far each group has moved since the target before.
        let moves: GroupMoves
    }

    /// Bytes that all bounds take at most.
    private static let boundBytesMax = 3 << 29

    /// - Returns: nil where the bounds would take too much memory, or there are too few groups.
    init?(_ samples: Samples, centerCount k: Int, spherical: Bool) {
        let widths = [1, 2, 4].map { $0 * CenterPanels.columnsUnit }
        let fitting = widths.first { width in
            4 * samples.count * ((k + width - 1) / width) <= Self.boundBytesMax
        }
        guard let width = fitting, k >= 8 * width else { return nil }
        self.samples = samples
        self.spherical = spherical
        self.width = width
        let (rows, groups) = (BoundedSlice.rowsMax, (k + width - 1) / width)
        slices = stride(from: 0, to: samples.count, by: rows).map { first in
            BoundedSlice(first..<min(samples.count, first + rows), groupCount: groups)
        }
        newest = Mutex(nil)
    }

    /// Makes centers ready; whatever is looked up among them next is compared with the ones before.
    func target(_ centers: Tensor, threads: Int) -> Target {
        newest.withLock { newest in
            let order =
                newest?.order ?? similarOrder(of: centers, width: width, threads: threads)
            let moves = GroupMoves(
                from: newest?.centers, to: centers, order: order, width: width,
                spherical: spherical)
            let generation = (newest?.generation ?? 0) + 1
            newest = Newest(generation: generation, centers: centers, order: order)
            return Target(
                generation: generation, centers: centers, order: order,
                panels: CenterPanels(
                    Samples(matrix: centers).tensor(of: order), spherical: spherical),
                moves: moves)
        }
    }

    /// The nearest centers of some samples that follow each other: unit `unit` of `SampleUnits`.
    ///
    /// - Parameter tick: called again and again.
    func nearest(unit: Int, in target: Target, tick: () -> Void) -> NearestCenters {
        slices[unit].nearest(of: samples, in: target, tick: tick)
    }

    /// The nearest center of every sample.
    ///
    /// - Throws: `ClusteringError.stopped` if the meter was told to stop.
    func nearest(
        among centers: Tensor, threads: Int, meter: WorkMeter
    ) throws(ClusteringError) -> NearestCenters {
        let target = target(centers, threads: threads)
        let parts = mapBlocks(count: slices.count, threads: threads) { unit -> NearestCenters? in
            guard !meter.isStopped else { return nil }
            defer { meter.advance(by: self.slices[unit].rows.count) }
            return self.nearest(unit: unit, in: target) {}
        }
        let whole = parts.compactMap(\.self)
        guard whole.count == parts.count else { throw .stopped }
        return NearestCenters(joining: whole, depth: 1)
    }
}

/// How far the centers of each group have moved, at most, and what rounding can do.
struct GroupMoves: Sendable {
    /// Centers of a group; the last may have fewer.
    let width: Int
    /// For each group the largest |c' - c|; empty if there are no bounds to go on from.
    private(set) var lengths: [Float]
    /// For each group the largest (|c|^2 - |c'|^2) / 2, at least 0; zeros if spherical.
    let norms: [Float]
    /// Twice the error of a score, for a sample of unit length; what comes for each further length.
    let slack: (fixed: Float, perLength: Float)

    init(from old: Tensor?, to new: Tensor, order: [Int32], width: Int, spherical: Bool) {
        self.width = width
        let dim = new.shape[1]
        let groups = (order.count + width - 1) / width
        var (lengths, norms) = ([Float](), [Float](repeating: 0, count: groups))
        var longest = 0.0
        if let old {
            let (before, after) = (old.span, new.span)
            for group in 0..<groups {
                var most = 0.0
                for center in order[(group * width)..<min(order.count, (group + 1) * width)] {
                    let place = Int(center) * dim
                    var (square, norm, normBefore) = (0.0, 0.0, 0.0)
                    for column in place..<(place + dim) {
                        let (a, b) = (Double(before[column]), Double(after[column]))
                        square += (b - a) * (b - a)
                        norm += b * b
                        normBefore += a * a
                    }
                    most = max(most, square)
                    longest = max(longest, norm, normBefore)
                    if !spherical {
                        norms[group] = max(norms[group], Float((normBefore - norm) / 2).nextUp)
                    }
                }
                lengths.append(Float(most.squareRoot()).nextUp)
            }
        }
        // A chain of d multiply-adds is off by at most d/2^24 of |x| |c|, to first order.
        let unit = Float(dim + 8) * 0x1p-23
        let length = Float(longest.squareRoot()).nextUp
        slack = (spherical ? 0 : unit * length * length / 2, unit * length)
        (self.lengths, self.norms) = (lengths, norms)
    }

    /// The same for samples without bounds to go on from.
    var forgotten: GroupMoves {
        var moves = self
        moves.lengths = []
        return moves
    }
}

/// The bounds of some samples that follow each other.
final class BoundedSlice: Sendable {
    let rows: Range<Int>
    private let state: Mutex<State>

    /// Enough that a group meets many samples at a time, few enough that they stay in a cache.
    static let rowsMax = 1024

    private struct State {
        /// `[groups, rows]`.
        var bounds: Tensor
        /// The last nearest center of each sample.
        var labels: [Int32] = []
        /// The target that both belong to; 0 for none.
        var generation = 0
    }

    init(_ rows: Range<Int>, groupCount: Int) {
        self.rows = rows
        state = Mutex(State(bounds: Tensor(uninitialized: [groupCount, rows.count])))
    }

    /// The nearest centers, after the bounds were moved; all groups are scored where there are none
    /// of the target before.
    func nearest(
        of samples: Samples, in target: BoundedSearch.Target, tick: () -> Void
    ) -> NearestCenters {
        var block = Tensor(uninitialized: [rows.count, samples.dim])
        readRows(rows, of: samples, into: &block)
        return state.withLock { state in
            let isFollowed = state.generation > 0 && state.generation == target.generation - 1
            let moves = isFollowed ? target.moves : target.moves.forgotten
            var work = BoundedWork(block, target.panels, order: target.order, moves)
            if isFollowed { work.begin(from: state.labels, target.centers) }
            var bounds = state.bounds.mutableSpan
            let groups = bounds.count / rows.count
            for group in 0..<groups {
                var part = bounds._mutatingExtracting(
                    (group * rows.count)..<((group + 1) * rows.count))
                work.visit(group, bounds: &part)
                tick()
            }
            state.labels = work.best.centers
            state.generation = target.generation
            return NearestCenters(work.best, scoreCount: work.scoreCount)
        }
    }
}
