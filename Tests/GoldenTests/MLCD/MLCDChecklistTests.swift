import Foundation
import Testing

/// Rows of the MLCD sheet's checklist (section 9) that reference values decide: each row's files
/// are there, are checked, and agree.
@Suite struct MLCDChecklistTests {
    /// One run over all reference values.
    private static let report = Task { () -> GoldenReport in
        guard let root = goldenRoot() else { return GoldenReport() }
        return await GoldenRunner(systems: goldenSystems).run(root)
    }

    @Test(arguments: [
        ("1", ["kmeans_euclidean", "kmeans_spherical", "labels"]),
        ("2", ["draw"]),
        (
            "3",
            [
                "ambiguity", "loss_mlc", "loss_mlc_near", "loss_mlc_nomargin", "loss_mlcd",
                "loss_mlcd_exact", "loss_mlcd_extreme", "loss_mlcd_literal", "loss_mlcd_near",
                "loss_mlcd_nomargin", "loss_mlcd_ragged", "loss_mlcd_raw", "softmax_arcface",
                "softmax_arcface_exact", "softmax_arcface_features", "softmax_arcface_filter",
                "softmax_cosface", "softmax_parallel",
            ]
        ),
        ("4", ["sharded_mlcd", "sharded_softmax"]),
        (
            "5",
            [
                "optimizer_adamw_dense", "optimizer_adamw_rows", "optimizer_sgd_dense",
                "optimizer_sgd_rows", "steps_adamw", "steps_sgd",
            ]
        ),
        ("6", ["schedules"]),
        ("8", ["knn", "linear_probe", "lit", "lit_clamped", "retrieval", "zero_shot"]),
    ])
    func `checklist: the row's reference values are checked and agree`(
        row: String, files: [String]
    ) async {
        let report = await Self.report.value
        for file in files {
            let isChecked = report.lines.contains { $0.hasPrefix("golden mlcd/\(file): ") }
            #expect(isChecked, "row \(row): \(file)")
            let failed = report.failures.filter { $0.hasPrefix("mlcd/\(file): ") }
            #expect(failed.isEmpty, "row \(row): \(failed)")
        }
    }

    @Test func `checklist: there are 37 files and every one is checked`() async {
        let report = await Self.report.value
        #expect(report.caseCounts["mlcd"] == 37)
    }
}
