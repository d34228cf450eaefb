"""The least that a certificate costs on disk: its bytes, written and synced as docs/layout.md says, and nothing else."""
import os
import time


def write(directory, name, files):
    """A first install of `files`, bytes by name, as `directory`/`name`; the seconds that it took."""
    start = time.monotonic()
    place = os.path.join(directory, name)
    os.mkdir(place, 0o755)
    synced(directory)
    versions = os.path.join(place, "versions")
    os.mkdir(versions, 0o755)
    synced(place)
    version = os.path.join(versions, ".new")
    os.mkdir(version, 0o700)
    for file, content in files.items():
        handle = os.open(os.path.join(version, file), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        os.write(handle, content)
        os.fsync(handle)
        os.close(handle)
    synced(version)
    os.rename(version, os.path.join(versions, "one"))
    synced(versions)
    for file in files:
        linked(f"current/{file}", place, file)
    synced(place)
    linked("versions/one", place, "current")
    synced(place)
    return time.monotonic() - start


def linked(target, directory, name):
    new = os.path.join(directory, ".new")
    os.symlink(target, new)
    os.rename(new, os.path.join(directory, name))


def synced(directory):
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    os.fsync(handle)
    os.close(handle)
