extension Contrastive {
    /// The bank, as `ContrastiveCoordinator.state` names its arrays; none with the queue of `moco`,
    /// whose rows are of no image.
    public var memoryBank: BankFiles? {
        settings.loss == .moco ? nil : BankFiles(prefix: "bank", dim: settings.dim)
    }
}
