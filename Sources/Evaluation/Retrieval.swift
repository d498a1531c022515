public import Tensors

/// Retrieval of images by images: the nearest *other* ones of the same set by cosine (sheet MLCD
/// section 5, "image retrieval").
public struct ImageRetrieval: Sendable {
    /// Neighbours of each image.
    public let depth: Int
    /// `[n, depth]`, nearest first; equal cosines lowest number first.
    public let neighbours: [Int32]

    /// Looks up the nearest others of every image.
    ///
    /// - Parameters:
    ///   - features: `[n, d]`, of any length; n > `depth`.
    ///   - depth: neighbours wanted.
    public init(features: Tensor, depth: Int = 1, threads: Int) {
        let count = features.shape[0]
        precondition(depth > 0 && depth < count, "\(depth) others among \(count) images")
        let unit = features.unitRows()
        // With one more than wanted, since an image is as a rule its own nearest.
        let nearest = NearestRows(of: unit, among: unit, depth: depth + 1, threads: threads)
        var others: [Int32] = []
        for image in 0..<count {
            let first = image * (depth + 1)
            let found: ArraySlice<Int32> = nearest.columns[first..<(first + depth + 1)]
            others += found.filter { $0 != Int32(image) }.prefix(depth)
        }
        self.depth = depth
        neighbours = others
    }

    /// Share of images one of whose first `k` neighbours has their label (Recall@k).
    public func recall(_ labels: [Int], at k: Int) -> Double {
        precondition(labels.count * depth == neighbours.count, "\(labels.count) labels")
        precondition((1...depth).contains(k), "recall at \(k) of \(depth)")
        let hits = labels.indices.count { image in
            neighbours[(image * depth)..<(image * depth + k)].contains {
                labels[Int($0)] == labels[image]
            }
        }
        return Double(hits) / Double(max(1, labels.count))
    }
}

/// Retrieval between images and their captions, both ways, by cosine (sheet MLCD section 5,
/// "retrieval"; the protocol of Flickr30k and MSCOCO).
public struct CaptionRetrieval: Sendable {
    /// Of each image the place of its best caption among all captions, 0 the most similar;
    /// nil if it has no caption or that lies deeper than was looked.
    private let bestCaptions: [Int?]
    /// Of each caption the place of its image among all images.
    private let ownImages: [Int?]
    private let depth: Int

    /// Looks up captions of every image and images of every caption.
    ///
    /// - Parameters:
    ///   - images: `[n, d]`, of any length.
    ///   - captions: `[m, d]`, of any length.
    ///   - owners: the image of each caption.
    ///   - depth: the greatest k that recall will be asked at.
    public init(
        images: Tensor, captions: Tensor, owners: [Int], depth: Int = 10, threads: Int
    ) {
        let (n, m) = (images.shape[0], captions.shape[0])
        precondition(
            owners.count == m && owners.allSatisfy { (0..<n).contains($0) },
            "\(owners.count) owners of \(m) captions")
        let (x, y) = (images.unitRows(), captions.unitRows())
        func places(
            _ queries: Tensor, _ bank: Tensor, _ isHit: (_ query: Int, _ found: Int) -> Bool
        ) -> [Int?] {
            let depth = min(depth, bank.shape[0])
            let nearest = NearestRows(of: queries, among: bank, depth: depth, threads: threads)
            return (0..<queries.shape[0]).map { query in
                nearest.columns[(query * depth)..<((query + 1) * depth)].enumerated()
                    .first { isHit(query, Int($0.element)) }?.offset
            }
        }
        self.depth = depth
        bestCaptions = places(x, y) { owners[$1] == $0 }
        ownImages = places(y, x) { owners[$0] == $1 }
    }

    /// Share of images one of whose captions is among the `k` most similar ones.
    public func imageToText(at k: Int) -> Double { recall(bestCaptions, at: k) }

    /// Share of captions whose image is among the `k` most similar ones.
    public func textToImage(at k: Int) -> Double { recall(ownImages, at: k) }

    private func recall(_ places: [Int?], at k: Int) -> Double {
        precondition((1...depth).contains(k), "recall at \(k) of \(depth)")
        let hits = places.count { $0.map { $0 < k } ?? false }
        return Double(hits) / Double(max(1, places.count))
    }
}
