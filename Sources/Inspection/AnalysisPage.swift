internal import Evaluation
internal import Foundation
internal import Plots

/// An analysis as one HTML page that stands alone: its charts lie in it, and nothing is loaded.
public struct AnalysisPage: Sendable {
    /// The page.
    public let html: String

    /// The page of an analysis.
    public init(_ analysis: RunAnalysis) {
        let title = "Embeddings of \(escaped(analysis.run)), \(analysis.moment)"
        let figure = Figure("\(analysis.run), \(analysis.moment)", analysis.charts)
        html = standalonePage(
            escapedTitle: title, style: Self.style,
            body: [
                "<p>Method \(escaped(analysis.method)). \(analysis.embedding.imageCount) images of "
                    + "\(escaped(analysis.images)) that were not trained on; their "
                    + "\(analysis.space.rawValue) of \(analysis.embedding.dim) numbers at unit "
                    + "length.</p>"
            ]
                + Self.table(
                    "Figures", head: ["figure", "value", "what it is"],
                    rows: analysis.figures.map { [$0.name, $0.value, $0.meaning] })
                + Self.penalties(analysis)
                + ["<div class=\"charts\">", figure.inlineSVG, "</div>"])
    }

    private static func penalties(_ analysis: RunAnalysis) -> [String] {
        let penalties = analysis.embedding.penalties
        let counts = penalties.first?.nearest.map(\.count) ?? []
        return [
            "<p>How the softmax over similarities divides its push among the negatives of an "
                + "anchor, were it trained at this temperature from here.</p>"
        ]
            + table(
                "Push by temperature",
                head: ["loss", "entropy", "effective negatives"]
                    + counts.map { "nearest \($0), %" },
                rows: penalties.enumerated().map { place, penalty in
                    let name = RunAnalysis.name(of: penalty.loss)
                    return [
                        place == analysis.ownPenalty ? "\(name) (the run's own)" : name,
                        fixed(penalty.entropy, 3), fixed(penalty.effectiveNegatives, 1),
                    ] + penalty.nearest.map { fixed(100 * $0.share, 2) }
                })
    }

    private static func table(_ caption: String, head: [String], rows: [[String]]) -> [String] {
        func row(_ cells: [String], _ scope: String, isHead: Bool) -> String {
            let cells = cells.enumerated().map { place, cell in
                isHead || place == 0
                    ? "<th scope=\"\(scope)\">\(escaped(cell))</th>" : "<td>\(escaped(cell))</td>"
            }
            return "<tr>\(cells.joined())</tr>"
        }
        return ["<table>", "<caption>\(escaped(caption))</caption>"]
            + [row(head, "col", isHead: true)] + rows.map { row($0, "row", isHead: false) }
            + ["</table>"]
    }

    private static let style = """
        table { border-collapse: collapse; margin: 0.75rem 0 1.25rem; }
        caption { text-align: left; font-weight: 600; padding-bottom: 0.25rem; }
        th, td { text-align: left; padding: 0.2rem 0.9rem 0.2rem 0; vertical-align: top;
          border-top: 1px solid var(--line); font-variant-numeric: tabular-nums; }
        th { font-weight: 500; }
        .charts { overflow-x: auto; }
        .charts svg { max-width: 100%; height: auto; }
        """
}

extension RunAnalysis {
    /// A figure in words.
    public struct Line: Hashable, Sendable {
        /// Its name.
        public let name: String
        /// The value, with its unit.
        public let value: String
        /// What it is.
        public let meaning: String
    }

    /// When in training the analysis was made.
    public var moment: String { step.map { "step \($0)" } ?? "untrained" }

    /// The single figures, for people.
    public var figures: [Line] {
        var lines = [
            Line(
                name: "uniformity", value: fixed(embedding.uniformity, 4),
                meaning: "-log of the mean e^(-2 distance^2) of two images; larger: more even")
        ]
        func add(_ name: String, _ value: Double?, _ meaning: String) {
            guard let value else { return }
            lines.append(Line(name: name, value: fixed(value, 4), meaning: meaning))
        }
        add("tolerance", embedding.tolerance, "mean similarity of two images of one class")
        add("alignment", embedding.alignment, "mean distance^2 of two views of an image")
        add("positives", embedding.positiveSimilarity, "mean similarity of two views of an image")
        add("negatives", embedding.negativeSimilarity, "mean similarity of two images")
        add(
            "nearest", embedding.nearestSimilarities.first, "mean similarity with the nearest image"
        )
        add("separation", embedding.separation, "positives less nearest")
        func accuracy(_ name: String, _ share: Double, _ meaning: String) {
            lines.append(Line(name: name, value: fixed(100 * share, 2) + " %", meaning: meaning))
        }
        accuracy("kNN", accuracies.knn, "accuracy of 20 neighbours, \(space.rawValue)")
        if space == .embeddings {
            accuracy("kNN", accuracies.featureKNN, "accuracy of 20 neighbours, features")
        }
        if let bank = accuracies.bankKNN {
            accuracy("kNN", bank, "accuracy of 200 neighbours in the bank, embeddings")
        }
        accuracy("linear", accuracies.linear, "accuracy of the linear probe, features")
        return lines
    }
}
