import Datasets
import Networks
import Objectives
import RunFiles
import Tables
import Testing

@testable import Methods

@Suite struct MLCDSettingsTests {
    private func mistakes(
        _ lines: String, network: String = "kind: vit", views: String = "size: 28"
    ) -> [String] {
        do {
            _ = try mlcdRun(lines, network: network, views: views)
            return []
        } catch {
            return "\(error)".split(separator: "\n").map(String.init)
        }
    }

    @Test func `defaults are those of the sheet`() throws {
        let (method, _) = try mlcdRun("centers: 4000")
        let settings = method.settings
        #expect(settings.loss == .mlcd && settings.dim == 128 && settings.scale == 64)
        #expect(settings.positives == 8 && settings.stored == 8 && settings.margin == 0.3)
        #expect(settings.rate == 0.1 && settings.derivative == .straight)
        guard case .clustering(let clustering) = settings.labels else {
            Issue.record("labels come from \(settings.labels)")
            return
        }
        #expect(clustering.spherical && clustering.centered)
        #expect(clustering.iterations == 15 && clustering.pooling == 1)
        #expect(settings.table.learningRateFactor == 1)
        #expect(method.views.area == 0.7...1 && method.views.flipProbability == 0.5)
        #expect(method.layout.entries.last?.name == "head.weight")
    }

    @Test func `single-label losses have one positive and their own margins`() throws {
        let arcface = try mlcdRun("centers: 40\nloss: arcface").method.settings.classification
        #expect(arcface.kind == .softmax && arcface.angularMargin == 0.3)
        #expect(arcface.additiveMargin == 0)
        let cosface = try mlcdRun("centers: 40\nloss: cosface").method.settings.classification
        #expect(cosface.kind == .softmax && cosface.additiveMargin == 0.4)
        #expect(cosface.angularMargin == 0)
    }

    @Test(arguments: [
        ("centers: 40\nloss: arcface\npositives: 2", "mlcd.positives"),
        ("centers: 40\npositives: 8\nstored: 4", "mlcd.stored"),
        ("centers: 8\npositives: 8", "mlcd.centers"),
        ("centers: 40\nfilter: 0.5", "mlcd.filter"),
        ("centers: 40\nrate: 0", "mlcd.rate"),
        ("centers: 40\nscale: -1", "mlcd.scale"),
        ("centers: 40\nmargin: 4", "mlcd.margin"),
        ("dim: 12", "mlcd.centers"),
        ("centers: 40\ntable:\n  momentum: 0.9", "mlcd.table.momentum"),
        ("centers: 40\nclustering:\n  features: file", "mlcd.clustering.path"),
        ("centers: 40\nclustering:\n  path: x.npy", "mlcd.clustering.path"),
        ("centers: 40\nlabels: x\nclustering:\n  iterations: 3", "mlcd.clustering"),
        ("centers: 40\ncentres: 40", "mlcd.centres"),
        ("centers: 40\nfeatures: 129", "mlcd.features"),
        ("centers: 40\nloss: arcface\nnegatives: literal", "mlcd.negatives"),
        ("centers: 40\nloss: parallel\nnegatives: literal", "mlcd.negatives"),
        ("centers: 40\nloss: parallel\nthreshold: 0.9", "mlcd.threshold"),
        ("centers: 40\nthreshold: 0.9\npositives: 3", "mlcd.positives"),
        ("centers: 40\nthreshold: 1.1", "mlcd.threshold"),
        ("centers: 40\ntable:\n  update: all", "mlcd.table.update"),
        ("centers: 40\ntable:\n  start: zeros", "mlcd.table.start"),
        ("centers: 40\ntable:\n  clipNorm: -1", "mlcd.table.clipNorm"),
    ])
    func `a wrong value is named by its key`(lines: String, key: String) {
        let found = mistakes(lines)
        #expect(found.contains { $0.contains(key) }, "\(found)")
    }

    @Test func `options are those of the sheet`() throws {
        // [L]: one softmax a label column, 8 of 10 labels, filter .75, dense, both norms 5.
        let later = try mlcdRun(
            """
            centers: 40
            loss: parallel
            stored: 10
            table:
              update: dense
              clipNorm: 5
            """
        ).method.settings
        #expect(later.positives == 8 && later.columns == 8 && later.filter == 0.75)
        #expect(later.classification.kind == .softmax && later.classification.filter == 0.75)
        let table = later.centerTable(seed: 1, threads: 1)
        #expect(table.update == .dense && table.clipNorm == 5 && table.features == nil)
        // UNICOM: one label, ArcFace, 512 of 768 features.
        let unicom = try mlcdRun("centers: 40\nloss: arcface\ndim: 768\nfeatures: 512").method
        #expect(unicom.settings.positives == 1 && unicom.settings.columns == 1)
        #expect(unicom.settings.centerTable(seed: 1, threads: 1).features == 512)
        #expect(unicom.evaluatedWidth == 512 && unicom.network.embeddingWidth == 768)
        let ragged = try mlcdRun("centers: 40\nthreshold: 0.9").method.settings
        #expect(ragged.threshold == 0.9 && ragged.stored == 39 && ragged.positives == 39)
        let literal = try mlcdRun("centers: 40\nnegatives: literal").method.settings
        #expect(literal.centerTable(seed: 1, threads: 1).negatives == .literal)
    }

    @Test func `options that came later leave the config digests of older run files alone`() throws
    {
        func bits(_ lines: String) throws -> String {
            try RunPlan(
                text: "method: mlcd\nsteps: 100\nbatch: {samples: 32, slices: 4}\nmlcd:\n"
                    + "  centers: 40\n\(lines)", file: "r.yaml"
            ).resolved.bitsText
        }
        let plain = try bits("")
        #expect(!plain.contains("update") && !plain.contains("mlcd.features"))
        let defaults =
            "  negatives: drawn\n  features: 0\n"
            + "  table: {update: rows, clipNorm: 0, start: random}\n"
        #expect(try bits(defaults) == plain)
        let dense = try bits("  features: 7\n  table: {update: dense}\n")
        #expect(
            differences(plain, dense).map(\.description) == [
                "mlcd.features: not set against 7", "mlcd.table.update: not set against dense",
            ])
    }

    @Test func `labels may come from a file, whose place decides no bit`() throws {
        let method = try mlcdRun("centers: 40\nlabels: a.safetensors").method
        #expect(method.settings.labels == .file("a.safetensors"))
        let digests = try ["a", "b"].map { name in
            try RunPlan(
                text: """
                    method: mlcd
                    steps: 100
                    batch: {samples: 32, slices: 4}
                    mlcd: {centers: 40, labels: \(name).safetensors}
                    """, file: "r.yaml"
            ).configDigest
        }
        #expect(digests[0] == digests[1])
    }

    @Test func `network and views are checked together`() {
        #expect(
            mistakes("centers: 40", views: "size: 30").contains { $0.contains("network.patch") })
        #expect(
            mistakes("centers: 40", network: "kind: vit\nheads: 3")
                .contains { $0.contains("network.heads") })
        #expect(
            mistakes("centers: 40", network: "kind: conv\npatch: 7")
                .contains { $0.contains("network.patch") })
        #expect(
            mistakes("centers: 40", views: "area: [0.9, 0.5]")
                .contains { $0.contains("views.area") })
    }

    @Test func `every mistake is reported at once`() {
        let found = mistakes(
            "centers: 1\nrate: 2\nloss: mlcdd", network: "kind: vitt", views: "flip: 2")
        for key in ["mlcd.centers", "mlcd.rate", "mlcd.loss", "network.kind", "views.flip"] {
            #expect(found.contains { $0.contains(key) }, "\(key) in \(found)")
        }
    }

    @Test func `the registry knows its methods by name`() {
        #expect(MethodRegistry.names == ["mlcd", "contrastive", "fine-tuning", "lit"])
        #expect(MethodRegistry.method(named: "mlcd") != nil)
        #expect(MethodRegistry.method(named: "nothing") == nil)
    }
}
