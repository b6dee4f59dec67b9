"""Legacy Word, WPS, RTF and OpenDocument through LibreOffice, converted to docx in a profile of its own."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from bot.errors import SourceError
from bot.settings import Settings

INSTALL = (
    "需要 LibreOffice 才能读 {form}，请安装 libreoffice-writer-nogui（Debian/Ubuntu：apt install libreoffice-writer-nogui），"
    "或用 Word/WPS 另存为 docx / install LibreOffice Writer, or save it as docx"
)

# No macros, no links followed, nothing fetched: the file is a stranger's.
_PROFILE = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry" xmlns:xs="http://www.w3.org/2001/XMLSchema"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<item oor:path="/org.openoffice.Office.Common/Security/Scripting"><prop oor:name="MacroSecurityLevel" oor:op="fuse">
<value>3</value></prop></item>
<item oor:path="/org.openoffice.Office.Common/Security/Scripting"><prop oor:name="DisableMacrosExecution" oor:op="fuse">
<value>true</value></prop></item>
<item oor:path="/org.openoffice.Office.Common/Security/Scripting"><prop oor:name="BlockUntrustedRefererLinks"
 oor:op="fuse"><value>true</value></prop></item>
<item oor:path="/org.openoffice.Office.Writer/Content/Update"><prop oor:name="Link" oor:op="fuse"><value>2</value></prop>
</item>
<item oor:path="/org.openoffice.Inet/Settings"><prop oor:name="ooInetProxyType" oor:op="fuse"><value>2</value></prop>
</item>
<item oor:path="/org.openoffice.Inet/Settings"><prop oor:name="ooInetHTTPProxyName" oor:op="fuse"><value>127.0.0.1</value>
</prop></item>
<item oor:path="/org.openoffice.Inet/Settings"><prop oor:name="ooInetHTTPProxyPort" oor:op="fuse"><value>9</value></prop>
</item>
</oor:items>
"""
_SUFFIX = {"ole": ".doc", "rtf": ".rtf", "wordxml": ".xml", "odt": ".odt"}


def soffice() -> str | None:
    """The LibreOffice program of this machine."""
    return shutil.which("soffice") or shutil.which("libreoffice")


def convert(form: str, data: bytes, name: str, settings: Settings) -> bytes:
    """`data` as docx. Raises SourceError without LibreOffice, when it takes too long, or when it makes nothing of it."""
    program = soffice()
    if program is None:
        raise SourceError(name, INSTALL.format(form={"ole": "旧版 doc/wps", "wordxml": "Word XML"}.get(form, form)))
    with tempfile.TemporaryDirectory(prefix="bot-office-", ignore_cleanup_errors=True) as folder:
        here = Path(folder)
        given = here / f"in{_SUFFIX.get(form, '.doc')}"
        given.write_bytes(data)
        profile = here / "profile" / "user"
        profile.mkdir(parents=True)
        (profile / "registrymodifications.xcu").write_text(_PROFILE, "utf-8")
        command = [program, f"-env:UserInstallation=file://{here / 'profile'}", "--headless", "--norestore", "--nologo"]
        command += ["--convert-to", "docx", "--outdir", str(here / "out"), str(given)]
        _run(command, here, name, settings)
        made = here / "out" / "in.docx"
        if not made.is_file():
            raise SourceError(name, "已损坏或已加密，LibreOffice 打不开，请用 Word 另存为 docx / damaged or encrypted")
        if made.stat().st_size > settings.max_file_bytes:
            raise SourceError(name, "转换后太大，请拆分文件 / too large once converted: split it")
        return made.read_bytes()


def _run(command: list[str], home: Path, name: str, settings: Settings) -> None:
    """Run in a process group of its own, so that nothing is left behind when time is up."""
    environment = {
        k: v for k, v in os.environ.items() if k in ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "SYSTEMROOT")
    }
    environment |= {"HOME": str(home), "SAL_USE_VCLPLUGIN": "svp", "no_proxy": ""}
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
        start_new_session=True,
    )
    try:
        _limit(process.pid, settings)
        process.wait(settings.read_timeout * 2)
    except subprocess.TimeoutExpired:
        raise SourceError(
            name, "LibreOffice 没有及时转换完，请用 Word 另存为 docx / conversion took too long"
        ) from None
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _limit(pid: int, settings: Settings) -> None:
    """LibreOffice maps much more than it uses: four times the memory of a reader."""
    try:
        import resource

        most = 4 * settings.read_memory
        resource.prlimit(pid, resource.RLIMIT_AS, (most, most))
        resource.prlimit(pid, resource.RLIMIT_CORE, (0, 0))
    except (ImportError, AttributeError, OSError, ValueError):
        return
