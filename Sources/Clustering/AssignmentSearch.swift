internal import Buffers
internal import Kernels
internal import Synchronization
internal import Tensors

/// Finds nearest centers part by part, for a k-means that runs elsewhere.
///
/// Several threads may ask at a time. What an order's centers need is made once (packed panels,
/// moves, cells), by the first who asks; bounds of an exact search are kept for the units that were
/// asked for with the centers before. None of it has an influence on what is found.
public final class AssignmentSearch: Sendable {
    private let samples: Samples
    private let units: SampleUnits
    private let spherical: Bool
    private let cells: CellSettings?
    private let threads: Int
    /// Where whole passes are made and their bounds fit.
    private let bounds: BoundedSearch?
    private let present = Mutex<Present?>(nil)

    /// Centers made ready.
    private struct Present: Sendable {
        /// The memory of the centers: as long as it is held here no others can lie there.
        let buffer: AlignedBuffer
        let stage: AssignmentOrder.Stage
        let search: Search
    }

    private enum Search: Sendable {
        case bounded(BoundedSearch, BoundedSearch.Target)
        case exact(ExactSearch)
        case cells(CellSearch)
    }

    /// - Parameters:
    ///   - samples: prepared as they are clustered.
    ///   - settings: of the clustering.
    ///   - threads: threads that make centers ready; without influence on anything found.
    public init(_ samples: Samples, settings: ClusteringSettings, threads: Int) {
        self.samples = samples
        self.threads = threads
        spherical = settings.spherical
        cells = settings.search.cells(clusterCount: settings.clusterCount)
        let isInBatches = settings.batchCount != nil
        units = SampleUnits(sampleCount: samples.count, isInBatches: isInBatches)
        bounds =
            cells == nil && !isInBatches
            ? BoundedSearch(samples, centerCount: settings.clusterCount, spherical: spherical)
            : nil
    }

    /// The nearest centers of the samples of an order's units, one after the other.
    ///
    /// - Parameters:
    ///   - order: its units exist; its centers have as many features as the samples.
    ///   - tick: called again and again while it computes.
    public func nearest(_ order: AssignmentOrder, tick: () -> Void) -> NearestCenters {
        let search = search(for: order)
        tick()
        let parts: [NearestCenters]
        switch search {
        case .bounded(let bounds, let target):
            parts = order.units.map { bounds.nearest(unit: $0, in: target, tick: tick) }
        case .exact(let search): parts = nearest(order, search, tick)
        case .cells(let search): parts = nearest(order, search, tick)
        }
        return NearestCenters(joining: parts, depth: order.depth)
    }

    private func nearest(
        _ order: AssignmentOrder, _ search: some CenterSearch, _ tick: () -> Void
    ) -> [NearestCenters] {
        let samples = order.stage == .labels ? samples.atUnitLength() : samples
        let ranges = units.ranges(of: order.units)
        // Runs of a mini-batch are far shorter than what is best looked up together.
        guard ranges.count == 1, let range = ranges.first else {
            let numbers = ranges.flatMap { $0.map { Int32($0) } }
            let some = Samples(matrix: samples.tensor(of: numbers))
            return Self.nearest(0..<numbers.count, of: some, order.depth, search, tick)
        }
        return Self.nearest(range, of: samples, order.depth, search, tick)
    }

    private static func nearest(
        _ rows: Range<Int>, of samples: Samples, _ depth: Int, _ search: some CenterSearch,
        _ tick: () -> Void
    ) -> [NearestCenters] {
        stride(from: rows.lowerBound, to: rows.upperBound, by: search.sliceRows).map { first in
            let part = first..<min(rows.upperBound, first + search.sliceRows)
            return search.nearest(part, of: samples, depth: depth, tick: tick)
        }
    }

    /// The search among an order's centers; who comes while it is made waits for it.
    private func search(for order: AssignmentOrder) -> Search {
        present.withLock { present in
            if let present, present.buffer === order.centers.buffer, present.stage == order.stage {
                return present.search
            }
            let search = made(for: order)
            present = Present(buffer: order.centers.buffer, stage: order.stage, search: search)
            return search
        }
    }

    private func made(for order: AssignmentOrder) -> Search {
        let isForLabels = order.stage == .labels
        if let cells, let centroids = order.centroids {
            return .cells(
                CellQuantizer(centroids: centroids, settings: cells).search(
                    among: order.centers, spherical: spherical, isForLabels: isForLabels,
                    threads: threads))
        }
        if let bounds, !isForLabels {
            return .bounded(bounds, bounds.target(order.centers, threads: threads))
        }
        return .exact(ExactSearch(order.centers, spherical: spherical || isForLabels))
    }
}
