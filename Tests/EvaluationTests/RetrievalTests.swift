import Evaluation
import Tensors
import Testing

/// Retrieval and zero-shot classification (sheet MLCD section 5).
@Suite struct RetrievalTests {
    private static func unitAngle(_ degrees: [Float]) -> Tensor {
        // Points on a circle of another radius each: only angles count.
        Tensor(
            degrees.enumerated().flatMap { place, angle -> [Float] in
                let radians = Double(angle) * .pi / 180
                let length = Float(place + 1)
                return [length * Float(cosine(radians)), length * Float(cosine(radians - .pi / 2))]
            }, shape: [degrees.count, 2])
    }

    /// A cosine by its series, enough for angles of this test.
    private static func cosine(_ x: Double) -> Double {
        var (term, sum) = (1.0, 1.0)
        for n in stride(from: 1.0, to: 40, by: 2) {
            term *= -x * x / (n * (n + 1))
            sum += term
        }
        return sum
    }

    @Test func `an image finds its nearest others, never itself`() {
        let features = Self.unitAngle([0, 10, 25, 90, 95])
        let retrieval = ImageRetrieval(features: features, depth: 2, threads: 2)
        #expect(retrieval.neighbours == [1, 2, 0, 2, 1, 0, 4, 2, 3, 2])
        #expect(retrieval.recall([0, 0, 1, 1, 2], at: 1) == 2.0 / 5)
        #expect(retrieval.recall([0, 0, 1, 1, 2], at: 2) == 3.0 / 5)
    }

    @Test func `equal images are others, too`() {
        let features = Tensor(repeating: 1, shape: [4, 3])
        let retrieval = ImageRetrieval(features: features, depth: 1, threads: 1)
        #expect(retrieval.neighbours == [1, 0, 0, 0])
    }

    @Test func `the protocol asks at every depth for which there are images enough`() {
        let images = RepresentationProtocol.LabelledFeatures(
            features: Self.unitAngle([0, 10, 25, 90, 95, 99]), labels: [0, 0, 1, 1, 2, 2])
        let recalls = RepresentationProtocol().retrieval(of: images, threads: 2)
        #expect(recalls.map(\.depth) == [1, 5])
        // Of all but 25 and 90 the nearest other is of the same class, among five all are there.
        #expect(recalls.map(\.recall) == [4.0 / 6, 1])
        let one = RepresentationProtocol.LabelledFeatures(
            features: Self.unitAngle([0]), labels: [0])
        #expect(RepresentationProtocol().retrieval(of: one, threads: 1).isEmpty)
    }

    @Test func `a caption counts for its own image, an image for any of its captions`() {
        let images = Self.unitAngle([0, 60])
        let captions = Self.unitAngle([35, 5, 58, 20])
        let retrieval = CaptionRetrieval(
            images: images, captions: captions, owners: [0, 0, 1, 1], depth: 3, threads: 2)
        // Nearest of image 0: 5 (its own); of image 1: 58 (its own).
        #expect(retrieval.imageToText(at: 1) == 1)
        // Captions 35 and 20 lie nearer to the other image.
        #expect(retrieval.textToImage(at: 1) == 0.5)
        #expect(retrieval.textToImage(at: 2) == 1)
    }

    @Test func `a zero-shot head is the unit mean of unit prompts`() {
        let head = ZeroShotHead(prompts: [
            Tensor([2, 0, 0, 5], shape: [2, 2]), Tensor([-3, 0], shape: [1, 2]),
        ])
        let half = Float(0.5).squareRoot()
        for (a, b) in zip(head.weights.values, [half, half, -1, 0]) { #expect(abs(a - b) < 1e-6) }
        let images = Self.unitAngle([30, 170, 50])
        #expect(head.accuracy(of: images, [0, 1, 1]) == 2.0 / 3)
    }

    @Test func `leading columns are the first numbers of every row`() {
        let matrix = Tensor((0..<12).map { Float($0) }, shape: [3, 4])
        #expect(matrix.leadingColumns(2).values == [0, 1, 4, 5, 8, 9])
        #expect(matrix.leadingColumns(4).values == matrix.values)
    }
}
