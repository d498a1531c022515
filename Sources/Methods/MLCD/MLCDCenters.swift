internal import Tables

extension MLCD {
    /// The table of centers, as `MLCDCoordinator.state` names its arrays, and the labels.
    public var centers: CenterFiles? {
        CenterFiles(
            prefix: "centers", rowCount: settings.centers, dim: settings.dim,
            labels: MLCDLabels.fileName, labelsDigest: "labels.digest")
    }

    /// A piece of the table.
    public var snapshotBytesMax: Int {
        CenterTable.snapshotBytesMax(rowCount: settings.centers, dim: settings.dim)
    }
}
