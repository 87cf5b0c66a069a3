#!/usr/bin/python3
"""Runs a command nearly as systemd would for a unit, where systemd itself does not run.

    unit_sandbox.py UNIT COMMAND ARGUMENT...        (as root)

Taken from the unit: capabilities, ambient ones too, NoNewPrivileges, the system call filter with its error number, address families,
namespaces, ProtectSystem=strict with the state and cache directories, ProtectHome, PrivateTmp, PrivateDevices,
ProtectProc, ProcSubset, LimitNOFILE, UMask, and a user without a name. Not taken: PrivateUsers, StateDirectory's
move to /var/lib/private, and what only denies what has no capability to be done with anyway.
"""
import ctypes
import ctypes.util
import errno
import os
import subprocess
import sys

USER = 61234
ALLOW = 0x7FFF0000
CLONE_NEWNS = 0x20000
NAMESPACES = 0x7E020000 | 0x80
FAMILIES = {"AF_UNIX": 1, "AF_INET": 2, "AF_INET6": 10, "AF_NETLINK": 16}
libc = ctypes.CDLL(None, use_errno=True)


def settings(text):
    found = {}
    for line in text.splitlines():
        if "=" in line and not line.startswith("#"):
            key, value = line.split("=", 1)
            found.setdefault(key, []).append(value)
    return found


def mount(*arguments):
    subprocess.run(["mount", *arguments], check=True)


def files(unit):
    """The mounts."""
    if libc.unshare(CLONE_NEWNS) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    mount("--make-rslave", "/")
    state = [f"/var/lib/{name}" for name in unit.get("StateDirectory", [])]
    cache = [f"/var/cache/{name}" for name in unit.get("CacheDirectory", [])]
    writable = state + cache + unit.get("ReadWritePaths", [])
    for path in state + cache:
        os.makedirs(path, exist_ok=True)
        os.chmod(path, 0o700)
        subprocess.run(["chown", "-R", f"{USER}:{USER}", path], check=True)
    devices = ["null", "zero", "full", "random", "urandom", "tty"]
    if unit["PrivateDevices"] == ["yes"]:
        mount("-t", "tmpfs", "-o", "nosuid,mode=755", "tmpfs", "/mnt")
        for name in devices:
            open(f"/mnt/{name}", "w").close()
            mount("--bind", f"/dev/{name}", f"/mnt/{name}")
        mount("--move", "/mnt", "/dev")
    if unit["PrivateTmp"] == ["yes"]:
        for path in ["/tmp", "/var/tmp"]:
            mount("-t", "tmpfs", "-o", "mode=1777", "tmpfs", path)
    for path in writable:
        mount("--bind", path, path)
    if unit["ProtectHome"] == ["yes"]:
        for path in ["/home", "/root", "/run/user"]:
            if os.path.isdir(path):
                mount("-t", "tmpfs", "-o", "mode=000,ro", "tmpfs", path)
    hide = []
    if unit["ProtectProc"] == ["invisible"]:
        hide.append("hidepid=2")
    if unit["ProcSubset"] == ["pid"]:
        hide.append("subset=pid")
    mount("-t", "proc", "-o", ",".join(["nosuid", *hide]), "proc", "/proc")
    if unit["ProtectSystem"] == ["strict"]:
        points = [line.split()[4] for line in open("/proc/self/mountinfo")]
        for point in dict.fromkeys(points):
            kept = ["/dev", "/proc", "/tmp", "/var/tmp", *writable]
            if not any(point == one or point.startswith(one + "/") for one in kept):
                subprocess.run(["mount", "-o", "remount,bind,ro", point], stderr=subprocess.DEVNULL)


def calls(name):
    """The members of a set of system calls, as this machine's systemd knows them."""
    text = subprocess.run(["systemd-analyze", "syscall-filter", name], capture_output=True, check=True, text=True)
    found = set()
    for line in text.stdout.splitlines()[1:]:
        word = line.strip()
        if word.startswith("@"):
            found |= calls(word)
        elif word and not word.startswith("#"):
            found.add(word)
    return found


def allowed_calls(unit):
    allowed = calls("@default")
    for line in unit["SystemCallFilter"]:
        for name in line.removeprefix("~").split():
            members = calls(name) if name.startswith("@") else {name}
            allowed = allowed - members if line.startswith("~") else allowed | members
    return sorted(allowed)


class Compare(ctypes.Structure):
    _fields_ = [("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]


def system_calls(unit, allowed):
    """The filters, of which the strictest answer counts."""
    library = ctypes.CDLL(ctypes.util.find_library("seccomp"))
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_rule_add_array.argtypes = [
        ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint, ctypes.POINTER(Compare)]
    library.seccomp_load.argtypes = [ctypes.c_void_p]

    def refuse(number):
        return 0x00050000 | number

    def rule(context, action, name, *compare):
        number = library.seccomp_syscall_resolve_name(name.encode())
        if number >= 0:
            array = (Compare * max(1, len(compare)))(*compare)
            assert library.seccomp_rule_add_array(context, action, number, len(compare), array) == 0, name

    context = library.seccomp_init(ALLOW)
    families = [FAMILIES[name] for name in unit["RestrictAddressFamilies"][0].split()]
    for family in range(46):
        if family not in families:
            rule(context, refuse(errno.EAFNOSUPPORT), "socket", Compare(0, 4, family, 0))
    if unit["RestrictNamespaces"] == ["yes"]:
        rule(context, refuse(errno.ENOSYS), "clone3")
        for bit in range(32):
            if NAMESPACES >> bit & 1:
                rule(context, refuse(errno.EPERM), "clone", Compare(0, 7, 1 << bit, 1 << bit))
        rule(context, refuse(errno.EPERM), "unshare")
        rule(context, refuse(errno.EPERM), "setns")
    assert library.seccomp_load(context) == 0
    number = getattr(errno, unit["SystemCallErrorNumber"][0])
    context = library.seccomp_init(refuse(number))
    for name in allowed:
        rule(context, ALLOW, name)
    assert library.seccomp_load(context) == 0


def inside():
    """The last step, as the service's user, who may not see where this file is."""
    unit = settings(os.environ.pop("SANDBOX_UNIT"))
    system_calls(unit, os.environ.pop("SANDBOX_CALLS").split())
    os.execv(sys.argv[1], sys.argv[1:])


def main():
    import resource

    text = open(sys.argv[1]).read()
    own = open(os.path.abspath(__file__)).read()
    unit = settings(text)
    limit = min(int(unit["LimitNOFILE"][0]), resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    os.umask(int(unit["UMask"][0], 8))
    allowed = allowed_calls(unit)
    files(unit)
    names = unit["AmbientCapabilities"][0].lower().split()
    kept = ",".join(["-all", *("+" + name.removeprefix("cap_") for name in names)])
    environment = {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin",
        "LANG": "C.UTF-8",
        "HOME": "/",
        "CACHE_DIRECTORY": f"/var/cache/{unit['CacheDirectory'][0]}",
        "SANDBOX_UNIT": text,
        "SANDBOX_CALLS": " ".join(allowed),
        **{name.removeprefix("SANDBOX_ENV_"): value
           for name, value in os.environ.items() if name.startswith("SANDBOX_ENV_")},
    }
    os.chdir("/")
    os.execve("/usr/bin/setpriv", [
        "setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "--no-new-privs",
        f"--inh-caps={kept}", f"--ambient-caps={kept}", f"--bounding-set={kept}",
        "/usr/bin/python3", "-c", own, *sys.argv[2:]], environment)


if "SANDBOX_UNIT" in os.environ:
    inside()
else:
    main()
