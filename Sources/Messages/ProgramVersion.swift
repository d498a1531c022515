/// The program's release, as `pleiad --version` prints it and a hello states it.
public let pleiadVersion = "0.1.0"
