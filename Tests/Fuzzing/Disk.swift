import Storage

/// Where an input lies as a file.
let inputPath = "/input"

/// A disk whose one file is the input.
func disk(
    holding input: [UInt8], at path: String = inputPath
) throws(StorageError)
    -> SimulatedDisk
{
    let disk = SimulatedDisk()
    try disk.put(input, at: path)
    return disk
}

extension SimulatedDisk {
    /// Makes a file of these bytes, in folders that are there.
    func put(_ bytes: [UInt8], at path: String) throws(StorageError) {
        let file = try open(path, .create)
        try file.write(bytes)
        try file.close()
    }

    /// All bytes of a file.
    func bytes(of path: String) throws(StorageError) -> [UInt8] {
        try readFile(path, upTo: .max)
    }
}
