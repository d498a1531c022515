import Foundation
import Identity
import Networks
import RunFiles
import Storage
import Tensors
import Testing

@testable import Methods

@Suite struct LiTSettingsTests {
    private func plan(_ text: String) throws -> RunPlan {
        try RunPlan(text: text, file: "run.yaml")
    }

    @Test func `digest and length of the embeddings come from the file`() async throws {
        try await LiTHarness.withFile { path in
            let plan = try plan(LiTHarness.runFile(path))
            let method = try #require(plan.method as? LiT)
            let bytes = try [UInt8](Data(contentsOf: URL(filePath: path)))
            #expect(method.settings.images.digest == sha256(bytes))
            #expect(method.settings.images.dim == LiTHarness.dim)
            #expect(plan.resolved.bitsText.contains(sha256(bytes).hex))
            #expect(method.layout.entries.last?.shape == [1])
            // Whoever has the resolved file needs no embeddings to compute texts.
            let elsewhere = plan.resolved.text.replacing(path, with: "/nowhere/z.npy")
            let other = try self.plan(elsewhere)
            #expect(other.configDigest == plan.configDigest)
            #expect(other.method.layout == plan.method.layout)
        }
    }

    @Test func `the first logit scale is ln(1 / 0.07), and norms' exemption takes it in`()
        async throws
    {
        try await LiTHarness.withFile { path in
            let harness = try LiTHarness(path: path)
            let layout = harness.method.layout
            let last = layout.entries.count - 1
            let t = layout.view(of: harness.version.parameters, last).scalar
            #expect(abs(Double(t) - log(1 / 0.07)) < 1e-6)
            #expect(layout.normsAndBiases.contains { $0.contains(layout.offset(of: last)) })
        }
    }

    @Test func `another file than the run began with is refused`() async throws {
        try await LiTHarness.withFile { path in
            let plan = try plan(LiTHarness.runFile(path))
            let coordinator = plan.method.makeCoordinator(
                dataset: LiTHarness.images, settings: plan.settings)
            try NPYFile.write(LiTHarness.embeddings.scaled(by: 2), to: path)
            let error = #expect(throws: LiTError.self) {
                try coordinator.prepare(directory: "/nowhere") { _, _ in }
            }
            #expect(error?.description.contains("lit.images") == true)
        }
    }

    @Test func `embeddings of another number of images are refused, and what is no number`()
        async throws
    {
        func prepared(_ rows: Tensor) async throws {
            try await LiTHarness.withFile(rows) { path in
                let plan = try plan(LiTHarness.runFile(path))
                try plan.method.makeCoordinator(
                    dataset: LiTHarness.images, settings: plan.settings
                ).prepare(directory: "/nowhere") { _, _ in }
            }
        }
        try await prepared(LiTHarness.embeddings)
        await #expect(throws: StorageError.self) {
            try await prepared(LiTHarness.embeddings.rows(0..<39))
        }
        var values = LiTHarness.embeddings.values
        values[7] = .nan
        await #expect(throws: LiTError.self) {
            try await prepared(Tensor(values, shape: LiTHarness.embeddings.shape))
        }
    }

    @Test(arguments: [
        ("", "network: {weights: w.safetensors}", "network.weights"),
        ("", "network: {weights: w, weightsDigest: \(Digest.zero.hex)}", "network.weights"),
        ("", "network: {kind: vit}", "network.kind"),
        ("", "views: {size: 28}", "views.size"),
        ("", "evaluate: {every: 5}", "evaluate.every"),
        ("", "evaluate: {everyEpoch: true}", "evaluate.everyEpoch"),
        ("", "data: {kind: patches, count: 100}", "lit.images"),
        (", dim: 13", "", "lit.dim"),
        (", imagesDigest: abc", "", "lit.imagesDigest"),
        (", templates: 3", "", "lit.templates"),
    ])
    func `mistakes are told by their key`(lit: String, more: String, key: String) async throws {
        try await LiTHarness.withFile { path in
            let error = #expect(throws: RunFileError.self) {
                try self.plan(LiTHarness.runFile(path, lit: lit, more: more))
            }
            #expect("\(error.map { "\($0)" } ?? "")".contains(key))
        }
    }

    @Test func `a file that is not there is a mistake of its key`() {
        let error = #expect(throws: RunFileError.self) {
            try self.plan(LiTHarness.runFile("/nowhere/z.npy"))
        }
        #expect(error.map { "\($0)".contains("lit.images") } == true)
    }
}
