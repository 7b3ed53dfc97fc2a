"""Odoo 19 out of Debian's archive, unpacked in the cache; the system stays untouched.

Odoo is on no Python registry. Debian's unstable suite carries it whole, and apt
fetches it through a private root for root and ordinary users alike.
"""

import shutil
from pathlib import Path

import paths
import shell
from ui import DevError, step

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
# Odoo's package links to files of these; a suite is named where sid's newer version
# has other file names (Font Awesome 7) or was dropped.
PACKAGES = (
    "odoo-19/sid",
    "libjs-jquery/sid",
    "libjs-underscore/sid",
    "libjs-jquery-form/sid",
    "fonts-montserrat/sid",
    "fonts-roboto-unhinted/sid",
    "fonts-ocr-b/sid",
    "fonts-font-awesome/bookworm",
    "fonts-inconsolata/bookworm",
)
# Debian leaves this non-free file out, and the bundle of the browser tests names it.
EMPTY_FILES = (
    "odoo/addons/mail/static/lib/selfie_segmentation/selfie_segmentation.js",
)
LIBRARY = Path("usr/lib/python3/dist-packages")
TARGET = "$(REPO_URI) $(RELEASE) $(ORIGIN)"
HINT = "or point --odoo at an Odoo 19 you have (git clone, branch 19.0)."


def fetch() -> Path:
    """The root of an unpacked Odoo 19; downloads it when the cache has none.

    The caller holds the lock. An interrupted download or unpacking leaves nothing
    that a later run would take for whole.
    :raises DevError: without apt, network or room on the disk.
    """
    target = paths.subfolder("odoo") / "debian"
    if target.exists():
        return target
    for program in ("apt-get", "dpkg"):
        if not shutil.which(program):
            raise DevError(
                "This system has no apt to fetch Odoo 19 with: clone Odoo's branch"
                " 19.0 with git and pass its folder with --odoo PATH."
            )
    work = paths.subfolder("odoo") / "partial"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    with step("Downloading Odoo 19 (about 130 MB) from Debian's archive"):
        archives = _download(work)
    with step("Unpacking Odoo 19 (about 1 GB)"):
        root = work / "root"
        for archive in archives:
            shell.run(
                ["dpkg-deb", "-x", archive, root],
                error=f"Could not unpack {archive.name}: check the room on the disk of"
                f" {work}, then run this again.",
            )
        _fill_holes(root)
    root.rename(target)
    shutil.rmtree(work, ignore_errors=True)
    return target


def _download(work: Path) -> list[Path]:
    """Download the packages with apt into `work/debs` and return their paths."""
    for name in ("debs", "lists/partial", "cache/archives/partial"):
        (work / name).mkdir(parents=True)
    sources = work / "sources.list"
    signed = f"[signed-by={KEYRING}] " if KEYRING.exists() else ""
    mirror = _mirror()
    sources.write_text(
        "".join(f"deb {signed}{mirror} {suite} main\n" for suite in ("sid", "bookworm"))
    )
    # A folder with spaces needs quotes in apt's own syntax, hence a file.
    config = work / "apt.conf"
    config.write_text(
        f'Dir::Etc::sourcelist "{sources}";\n'
        'Dir::Etc::sourceparts "/dev/null";\n'
        f'Dir::State::Lists "{work}/lists";\n'
        f'Dir::Cache "{work}/cache";\n'
        'Acquire::Languages "none";\n'
        'Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";\n'
        'Acquire::Retries "3";\n'
        # apt would drop to an account of its own that cannot enter our folder.
        'APT::Sandbox::User "root";\n'
        # Nothing of ours belongs in the hooks that other software hung into apt.
        "#clear APT::Update::Post-Invoke;\n"
        "#clear APT::Update::Post-Invoke-Success;\n"
    )
    env = shell.clean_env(APT_CONFIG=str(config))
    failed = (
        "Could not reach the package mirror of this machine to fetch Odoo 19: check the"
        f" network, {HINT}"
    )
    # `error-mode=any` makes apt fail where it would only warn and use nothing.
    shell.run(["apt-get", "update", "-q", "--error-on=any"], env=env, error=failed)
    shell.run(
        ["apt-get", "download", "-q", *PACKAGES],
        cwd=work / "debs",
        env=env,
        error=failed,
    )
    return sorted((work / "debs").glob("*.deb"))


def _mirror() -> str:
    """The address of the Debian mirror in the machine's own apt configuration.

    No address is written into this project: people behind a mirror of their own, or
    without the internet, get Odoo from where they get everything.
    """
    # apt knows whose an archive is once it has its lists. An image of Debian comes
    # without: there the first archive with a plain suite is taken.
    for options, whose in (([], "Debian"), (["--no-release-info"], "$(ORIGIN)")):
        listed = shell.run(
            ["apt-get", "indextargets", *options, "--format", TARGET],
            error="Could not read apt's package sources: repair them, then try again.",
        )
        for line in listed.splitlines():
            uri, suite, origin = line.split(" ", 2)
            # Not bookworm-security, not the bookworm-something of another project.
            if origin == whose and "-" not in suite and not uri.startswith("cdrom:"):
                return uri
    raise DevError(
        "This machine's apt has no Debian mirror to fetch Odoo 19 from: add one, "
        + HINT
    )


def _fill_holes(root: Path) -> None:
    """Put in what the package leaves out, and check that no link leads nowhere."""
    library = root / LIBRARY
    for name in EMPTY_FILES:
        path = library / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.touch()
    # The package ships every addon twice; Odoo reads this copy only.
    copies, used = library / "addons", library / "odoo/addons"
    if copies.is_dir() and {p.name for p in copies.iterdir()} <= {
        p.name for p in used.iterdir()
    }:
        shutil.rmtree(copies)
    dangling = [
        path for path in library.rglob("*") if path.is_symlink() and not path.exists()
    ]
    if dangling:
        raise DevError(
            "Debian's Odoo package links to files it does not bring: use another Odoo"
            " 19 with --odoo PATH, and report this.",
            "\n".join(str(path) for path in dangling[:10]),
        )
