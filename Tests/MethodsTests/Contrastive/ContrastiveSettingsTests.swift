import Datasets
import Networks
import Objectives
import RunFiles
import Testing

@testable import Methods

@Suite struct ContrastiveSettingsTests {
    private func plan(
        _ lines: String = "", views: String = "", network: String = "kind: conv"
    ) throws(RunFileError) -> RunPlan {
        try RunPlan(
            text: """
                method: contrastive
                steps: 100
                batch: {samples: 128, slices: 4}
                network: {\(network)}
                views: {\(views)}
                contrastive: {\(lines)}
                """, file: "run.yaml")
    }

    private func method(_ lines: String = "", views: String = "") throws -> Contrastive {
        try #require(try plan(lines, views: views).method as? Contrastive)
    }

    @Test func `defaults are those of the sheet`() throws {
        let method = try method()
        let settings = method.settings
        #expect(settings.loss == .contrastive && settings.temperature == 0.07)
        #expect(settings.dim == 128 && settings.momentum == 0.5)
        #expect(method.views.jitter == .none)
        #expect(method.layout.entries.suffix(2).map(\.name) == ["head.weight", "head.bias"])
        #expect(method.exchanges.map(\.mixesSamples) == [false])
        let hard = try self.method("loss: hard").settings
        #expect(hard.hardest == 4096 && hard.form == .code)
        #expect(try self.method("loss: info-nce").settings.negatives == 4096)
    }

    @Test func `every loss over all rows has its formula`() throws {
        let hard = try method("loss: hard, temperature: 0.3, hardest: 9, form: formula").settings
        #expect(
            hard.instanceLoss == InstanceLoss(.hard, temperature: 0.3, hardest: 9, form: .formula))
        #expect(
            try method("loss: hard-simple, hardest: 9").settings.instanceLoss
                == InstanceLoss(.hardSimple, hardest: 9))
        #expect(try method("loss: simple").settings.instanceLoss == InstanceLoss(.simple))
        #expect(try method("loss: nce").settings.instanceLoss == nil)
    }

    @Test func `noise-contrastive estimation has one answer group a step`() throws {
        #expect(try plan("loss: nce").answerGroups == [[0..<4]])
        #expect(try plan("loss: info-nce").answerGroups == [[0..<4]])
        #expect(try method("loss: nce").exchanges.map(\.mixesSamples) == [true])
    }

    @Test func `views take colours, the network its widths`() throws {
        let method = try method(views: "brightness: 0.4, contrast: 0.2, flip: 0")
        #expect(method.views.jitter == ColourJitter(brightness: 0.4, contrast: 0.2))
        #expect(method.views.flipProbability == 0)
        let network = try #require(
            try plan(network: "kind: conv, widths: [16, 32, 64]").method.imageNetwork)
        #expect(network.featureWidth == 64)
        #expect(network.origin?.settings == .smallConvolutionalNet(widths: [16, 32, 64]))
    }

    @Test func `heads and first weights are those that the file names`() throws {
        let usual = try method().settings.head
        #expect(usual == HeadSettings(.linear(hasBias: true)))
        let deep = try method("head: mlp, hidden: 40, headInitialisation: xavier")
        #expect(deep.settings.head == HeadSettings(.perceptron(hidden: 40), firstWeights: .xavier))
        #expect(
            deep.layout.entries.suffix(4).map(\.name)
                == ["head.0.weight", "head.0.bias", "head.2.weight", "head.2.bias"])
        let network = try #require(
            try plan(network: "kind: conv, initialisation: kaiming").method.imageNetwork)
        #expect(network.origin?.settings == .smallConvolutionalNet(firstWeights: .kaiming))
        // Runs from before these keys keep their digest.
        let before = try plan().configDigest
        #expect(try plan("head: linear, headInitialisation: torch").configDigest == before)
        #expect(try plan(network: "kind: conv, initialisation: torch").configDigest == before)
        #expect(try plan("head: mlp").configDigest != before)
        #expect(try plan(network: "kind: conv, initialisation: kaiming").configDigest != before)
    }

    @Test func `views take all colours and a blur`() throws {
        let views = try method(
            views: "brightness: 0.4, contrast: 0.3, saturation: 0.2, hue: 0.1, jitter: 0.8, "
                + "grayscale: 0.2, blur: 0.5, blurSigma: [0.2, 1.5]"
        ).views
        #expect(
            views.jitter
                == ColourJitter(
                    brightness: 0.4, contrast: 0.3, saturation: 0.2, hue: 0.1, probability: 0.8,
                    greyProbability: 0.2))
        #expect(views.blur == GaussianBlur(probability: 0.5, sigma: 0.2...1.5))
        #expect(try method().views.blur.probability == 0)
        #expect(try plan(views: "blur: 0, hue: 0, jitter: 1").configDigest == plan().configDigest)
        #expect(throws: RunFileError.self) { try plan(views: "hue: 0.6") }
        #expect(throws: RunFileError.self) { try plan(views: "blurSigma: [0, 1]") }
    }

    @Test func `keys of another loss may stand there, and decide no bit`() throws {
        for (lines, with) in [
            ("loss: contrastive, temperature: 0.3", ", hardest: 12, form: formula, negatives: 9"),
            ("loss: simple", ", temperature: 0.3, hardest: 12"),
            ("loss: hard, hardest: 12", ", negatives: 9"),
        ] {
            let (one, two) = (try plan(lines), try plan(lines + with))
            #expect(one.configDigest == two.configDigest, "\(lines)")
        }
        let (one, two) = (try plan("loss: hard"), try plan("loss: hard, hardest: 12"))
        #expect(one.configDigest != two.configDigest)
    }

    @Test func `an analysis asks about the loss's own temperature and nearest rows`() throws {
        func contrast(_ lines: String) throws -> InstanceContrast? {
            try method(lines).instanceContrast
        }
        #expect(try contrast("temperature: 0.3, hardest: 9") == .init(temperature: 0.3))
        #expect(
            try contrast("loss: hard, temperature: 0.3, hardest: 9")
                == .init(temperature: 0.3, hardest: 9))
        #expect(try contrast("loss: simple, temperature: 0.3") == .init(temperature: nil))
        #expect(
            try contrast("loss: hard-simple, hardest: 9") == .init(temperature: nil, hardest: 9))
        #expect(try method().imageViews == method().views)
    }

    @Test(arguments: [
        ("loss: soft", "contrastive.loss"), ("temperature: 0", "contrastive.temperature"),
        ("loss: simple, temperature: 0", "contrastive.temperature"),
        ("hardest: 1", "contrastive.hardest"), ("loss: hard, hardest: 1", "contrastive.hardest"),
        ("loss: hard-simple, form: codes", "contrastive.form"),
        ("momentum: 1", "contrastive.momentum"), ("negatives: 0", "contrastive.negatives"),
        ("dim: 0", "contrastive.dim"), ("head: deep", "contrastive.head"),
        ("hidden: 9", "contrastive.hidden"), ("bank: 3", "contrastive.bank"),
    ])
    func `a wrong value is named by its key`(lines: String, key: String) {
        let error = #expect(throws: RunFileError.self) { try plan(lines) }
        #expect(error.map { "\($0)".contains(key) } == true, "\(String(describing: error))")
    }
}
