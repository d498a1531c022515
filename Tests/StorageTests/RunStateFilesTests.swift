import Buffers
import Storage
import Tensors
import Testing

@Suite struct RunStateFilesTests {
    @Test func `epochs rise by one and survive power cuts at any operation`() throws {
        for cut in 0..<30 {
            let disk = SimulatedDisk()
            disk.cutPower(at: cut)
            var last: UInt32 = 0
            do {
                while last < 5 { last = try EpochFile.advance("/epoch", fileSystem: disk) }
            } catch { /* the power cut that is tried */  }
            let after = disk.restart(.drawn(seed: UInt64(cut), blockBytes: 512))
            let next = try EpochFile.advance("/epoch", fileSystem: after)
            #expect(
                next == last + 1 || next == last + 2, "an epoch that was given is never given again"
            )
        }
    }

    @Test func `an epoch can be raised from outside`() throws {
        let disk = SimulatedDisk()
        #expect(try EpochFile.read("/epoch", fileSystem: disk) == nil)
        #expect(try EpochFile.advance("/epoch", atLeast: 7, fileSystem: disk) == 7)
        #expect(try EpochFile.advance("/epoch", atLeast: 3, fileSystem: disk) == 8)
        #expect(try EpochFile.read("/epoch", fileSystem: disk)?.epoch == 8)
    }

    @Test func `a changed byte in the epoch file is found`() throws {
        let disk = SimulatedDisk()
        _ = try EpochFile.advance("/epoch", fileSystem: disk)
        for offset in 0..<(try disk.readFile("/epoch", upTo: 100).count) {
            try disk.flip("/epoch", at: offset, mask: 0x20)
            #expect(throws: StorageError.self) {
                try EpochFile.advance("/epoch", fileSystem: disk)
            }
            try disk.flip("/epoch", at: offset, mask: 0x20)
        }
    }

    @Test func `a lock has one holder, named in the refusal, and goes with it`() throws {
        try withTemporaryDirectory { directory in
            let path = directory + "/lock"
            do {
                let lock = try RunLock(path: path)
                let error = storageError { () throws(StorageError) in
                    _ = try RunLock(path: lock.path)
                }
                let text = error?.description ?? ""
                #expect(text.contains("in use by host ") && text.contains("process "), "\(text)")
            }
            _ = try RunLock(path: path)
        }
    }

    @Test func `errors of the system name operation, path and reason`() throws {
        let disk = LocalFileSystem()
        #expect(throws: StorageError.missing(path: "/nonexistent/x")) {
            _ = try disk.open("/nonexistent/x", .read)
        }
        do {
            _ = try disk.open("/proc", .create)
            Issue.record("a folder was opened for writing")
        } catch {
            #expect(error.description == "/proc: cannot open: Is a directory")
        }
        let full = try disk.open("/dev/full", .append)
        let error = storageError { () throws(StorageError) in
            try full.write(Tensor(zeros: [4]).buffer.bytes)
        }
        #expect(error?.isDiskFull("/dev/full") == true)
    }

    @Test func `folders around a folder are made, too`() throws {
        try withTemporaryDirectory { directory in
            let disks: [(any FileSystem, String)] = [
                (LocalFileSystem(), directory + "/a/b/c"), (SimulatedDisk(), "/a/b/c"),
            ]
            for (disk, folder) in disks {
                try disk.createDirectoryDurably(folder)
                try disk.writeFileDurably(folder + "/file", [1])
                #expect(try disk.list(folder) == ["file"])
            }
        }
    }

    @Test func `both file systems do the same`() throws {
        try withTemporaryDirectory { directory in
            let disks: [(any FileSystem, String)] = [
                (LocalFileSystem(), directory + "/d"), (SimulatedDisk(), "/d"),
            ]
            for (disk, folder) in disks {
                try disk.createDirectoryDurably(folder)
                try disk.createDirectory(folder)
                try disk.writeFileDurably(folder + "/b", [1, 2, 3])
                try disk.writeFileDurably(folder + "/a", [4])
                #expect(try disk.list(folder) == ["a", "b"])
                let file = try disk.open(folder + "/b", .append)
                #expect(try file.read(at: 1, count: 9) == [2, 3])
                #expect(try file.byteCount() == 3)
                try file.truncate(to: 1)
                try file.synchronizeData()
                try file.close()
                try disk.rename(folder + "/b", to: folder + "/a")
                #expect(try disk.readFile(folder + "/a", upTo: 9) == [1])
                #expect(throws: StorageError.self) { try disk.removeDirectory(folder) }
                #expect(throws: StorageError.self) { try disk.readFile(folder + "/a", upTo: 0) }
                try disk.removeFile(folder + "/a")
                try disk.removeDirectory(folder)
                #expect(!disk.exists(folder))
            }
        }
    }
}
