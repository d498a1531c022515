import Foundation
import Testing

extension SystemTests {
    /// Weights on their way out of a run, into another one, and past it.
    @Suite struct WeightTests {
        /// Twelve parameters a block, and `pos_embed`, the patch projection and the last norm.
        private static let encoderTensors = 2 * 12 + 5

        @Test func `export writes just the encoder, and says how it is loaded`() async throws {
            let (scratch, state) = (try ScratchDirectory(), try await HalfRun.state())
            let out = scratch.appending("encoder.safetensors")
            let ended = try await pleiad("export", state, "--out", out, "--json")
            #expect(ended.code == 0, "\(ended.errors)")
            let report = try ended.object()
            #expect(report["step"] as? Int == HalfRun.steps)
            #expect(report["for"] as? String == "timm")
            #expect(report["tensors"] as? Int == Self.encoderTensors)
            let constructor = report["constructor"] as? String ?? ""
            #expect(constructor.contains("VisionTransformer(img_size=(28, 28), patch_size=7"))
            #expect(constructor.contains("class_token=False, global_pool='avg', fc_norm=False"))
            #expect(constructor.contains("eps=1e-05"))
            let names = try header(of: out).keys.filter { $0 != "__metadata__" }
            #expect(names.count == Self.encoderTensors)
            #expect(!names.contains { $0.hasPrefix("head.") })
            let all = try await pleiad("export", state, "--out", out, "--for", "pleiad")
            #expect(all.code == 0 && all.output.contains("\(Self.encoderTensors + 1) tensors"))
            #expect(try header(of: out).keys.contains("head.weight"))
        }

        @Test func `export refuses what is not there`() async throws {
            let (scratch, state) = (try ScratchDirectory(), try await HalfRun.state())
            let out = scratch.appending("encoder.safetensors")
            for (options, code, words) in [
                (["--step", "7"], 2, "no checkpoint of step 7"),
                (["--for", "torchvision"], 2, "torchvision has no vision transformer"),
                (["--for", "keras"], 64, "none of timm, torchvision, pleiad"),
            ] {
                let program = try RunningProgram(["export", state, "--out", out] + options)
                #expect(try await program.exitCode(within: 30) == Int32(code))
                #expect(program.errors.contains(words), "\(program.errors)")
                #expect(!FileManager.default.fileExists(atPath: out))
            }
        }

        @Test func `a run begins with exported weights, which its digest names`() async throws {
            let (scratch, state) = (try ScratchDirectory(), try await HalfRun.state())
            let weights = scratch.appending("encoder.safetensors")
            #expect(try await pleiad("export", state, "--out", weights).code == 0)
            let data = try SmallData.write(to: scratch)
            let text =
                SmallRun.text(data: data, steps: 2)
                .replacingOccurrences(of: "heads: 2}", with: "heads: 2, weights: \(weights)}")
                + "\noptimizer: {learningRate: 0, weightDecay: 0}\n"
            let file = try scratch.write("run.yaml", text)
            let next = scratch.appending("next")
            let trained = try await pleiad("train", file, "--workers", "2", "--state", next)
            #expect(trained.code == 0, "\(trained.errors)")
            let resolved = try SmallFiles.text(of: next + "/run.yaml")
            #expect(resolved.contains("weights: \(weights)"), "\(resolved)")
            #expect(resolved.contains("weightsDigest:"))
            let out = scratch.appending("again.safetensors")
            #expect(try await pleiad("export", next, "--out", out).code == 0)
            let (before, after) = (try values(of: weights), try values(of: out))
            #expect(before == after, "a run at rate 0 keeps what it began with")
            // Another file under the same name makes it another run.
            let other = try await pleiad(
                "export", state, "--out", weights, "--step", "\(HalfRun.steps)")
            #expect(other.code == 0)
            try SmallFiles.flipBit(of: weights, at: SmallFiles.bytes(of: weights).count - 4)
            let changed = try await pleiad("train", file, "--state", next)
            #expect(changed.code == 2)
            #expect(changed.errors.contains("network.weightsDigest"), "\(changed.errors)")
        }

        @Test func `weights of another network are mistakes of the run file`() async throws {
            let (scratch, state) = (try ScratchDirectory(), try await HalfRun.state())
            let weights = scratch.appending("encoder.safetensors")
            #expect(try await pleiad("export", state, "--out", weights).code == 0)
            let text = SmallRun.text(data: try SmallData.write(to: scratch))
            for (network, words) in [
                ("heads: 2, weights: none.safetensors}", "none.safetensors: no such file"),
                ("heads: 2, weights: \(weights), weightsDigest: abc}", "is no SHA-256"),
                ("heads: 2, weightsDigest: abc}", "stands without weights"),
                ("heads: 2, pooling: class-token, weights: \(weights)}", "lacks cls_token"),
                ("heads: 2, mlpRatio: 2, weights: \(weights)}", "instead of [64, 32]"),
            ] {
                let file = try scratch.write(
                    "run.yaml", text.replacingOccurrences(of: "heads: 2}", with: network))
                let ended = try await pleiad("check", file)
                #expect(ended.code == 2)
                #expect(ended.errors.contains("run.yaml:6: network.weights"), "\(ended.errors)")
                #expect(ended.errors.contains(words), "\(ended.errors)")
            }
        }

        @Test func `embed takes images from a file, of the network's size alone`() async throws {
            let (scratch, state) = (try ScratchDirectory(), try await HalfRun.state())
            let out = scratch.appending("features.npy")
            let images = try scratch.write("images.npy", npy("3, 1, 28, 28", count: 3 * 784))
            let ended = try await pleiad("embed", state, "--out", out, "--images", images)
            #expect(ended.code == 0, "\(ended.errors)")
            #expect(ended.errors.contains("[3, 32]"))
            let wide = try scratch.write("wide.npy", npy("3, 1, 28, 32", count: 3 * 896))
            let refused = try await pleiad("embed", state, "--out", out, "--images", wide)
            #expect(refused.code == 2)
            #expect(refused.errors.contains("[1, 28, 32]"), "\(refused.errors)")
        }

        @Test func `embed refuses weights that are not those of the network`() async throws {
            let (scratch, state) = (try ScratchDirectory(), try await HalfRun.state())
            let weights = scratch.appending("encoder.safetensors")
            #expect(try await pleiad("export", state, "--out", weights).code == 0)
            let out = scratch.appending("features.npy")
            for (options, code, words) in [
                (["--network", "vit_tiny_patch16_224"], 2, "lacks cls_token"),
                (["--network", "vit_huge"], 2, "'vit_huge' is no network"),
                ([], 64, "go together"),
            ] {
                let program = try RunningProgram(
                    ["embed", "--weights", weights, "--out", out] + options)
                #expect(try await program.exitCode(within: 30) == Int32(code))
                #expect(program.errors.contains(words), "\(program.errors)")
            }
        }

        /// A `.npy` file of zeros.
        private func npy(_ shape: String, count: Int) -> [UInt8] {
            let text = "{'descr': '<f4', 'fortran_order': False, 'shape': (\(shape)), }"
            let padded = text + String(repeating: " ", count: 117 - text.count) + "\n"
            return [0x93] + Array("NUMPY".utf8) + [1, 0, 118, 0] + Array(padded.utf8)
                + [UInt8](repeating: 0, count: 4 * count)
        }

        private func header(of path: String) throws -> [String: Any] {
            let file = try SmallFiles.bytes(of: path)
            return try SmallFiles.object(
                String(decoding: file[8..<(8 + headerCount(file))], as: UTF8.self))
        }

        /// The bytes of all arrays.
        private func values(of path: String) throws -> [UInt8] {
            let file = try SmallFiles.bytes(of: path)
            return Array(file[(8 + headerCount(file))...])
        }

        private func headerCount(_ file: [UInt8]) -> Int {
            (0..<8).reduce(0) { $0 | Int(file[$1]) << (8 * $1) }
        }
    }
}
