"""A file system that does not answer: who looks up a file in it waits in the kernel, and no signal,
not even SIGKILL, ends that."""

import os
import select
import struct
import subprocess
import threading

LOOKUP, FORGET, GETATTR, INIT, INTERRUPT, BATCH_FORGET = 1, 2, 3, 26, 36, 42
ENOENT, ENOSYS = 2, 38
PARALLEL_DIROPS = 1 << 18
HEADER = struct.Struct("=IIQQIIII")  # length, opcode, unique, node, uid, gid, pid, padding
ANSWER = struct.Struct("=IiQ")  # length, error, unique


class StuckMount:
    """Mounts itself on DIRECTORY in the mount namespace of DAEMON. The root directory can be looked
    at; a look-up in it gets no answer until release()."""

    def __init__(self, daemon, directory):
        self.prefix = daemon.sandbox.prefix()
        self.directory = str(directory)
        self.device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
        self.waiting = {}  # unique: pid of who waits, as the host counts
        self.released = False
        self.lock = threading.Lock()
        self.ended, self.end = os.pipe()
        options = f"fd={self.device},rootmode=40000,user_id=0,group_id=0,allow_other"
        # -i: no helper program of the fuse packages.
        subprocess.run(
            [*self.prefix, "mount", "-i", "-t", "fuse", "-o", options, "stuck", self.directory],
            check=True, pass_fds=[self.device],
        )  # fmt: skip
        self.server = threading.Thread(target=self.serve, daemon=True)
        self.server.start()

    def serve(self):
        while True:
            readable, _, _ = select.select([self.device, self.ended], [], [])
            if self.ended in readable:
                return
            try:
                request = os.read(self.device, 1 << 17)
            except OSError:
                return  # unmounted
            _, opcode, unique, _, _, _, pid, _ = HEADER.unpack_from(request)
            self.handle(opcode, unique, pid)

    def handle(self, opcode, unique, pid):
        if opcode == INIT:
            # Version 7.31; the one who looks up a name does not hold up those who look up others.
            self.answer(unique, body=struct.pack("=IIIIHHIIHHI7I", 7, 31, 0, PARALLEL_DIROPS, 16, 12, 4096, 1, 0, 0, 0, *[0] * 7))
        elif opcode == GETATTR:
            attributes = struct.pack("=6Q10I", 1, 0, 0, 0, 0, 0, 0, 0, 0, 0o40755, 2, 0, 0, 0, 4096, 0)
            self.answer(unique, body=struct.pack("=QII", 3600, 0, 0) + attributes)
        elif opcode == LOOKUP:
            with self.lock:
                if not self.released:
                    self.waiting[unique] = pid
                    return
            self.answer(unique, error=ENOENT)
        elif opcode not in (FORGET, BATCH_FORGET, INTERRUPT):
            self.answer(unique, error=ENOSYS)

    def answer(self, unique, error=0, body=b""):
        try:
            os.write(self.device, ANSWER.pack(ANSWER.size + len(body), -error, unique) + body)
        except OSError:
            pass  # whoever asked is gone

    def release(self):
        """Answers everybody, and from now on at once."""
        with self.lock:
            self.released = True
            waiting, self.waiting = self.waiting, {}
        for unique in waiting:
            self.answer(unique, error=ENOENT)

    def close(self):
        self.release()
        subprocess.run([*self.prefix, "umount", "-l", self.directory], check=False)
        os.write(self.end, b"x")
        self.server.join()
        for fd in (self.device, self.ended, self.end):
            os.close(fd)
