# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The main job on this machine: a small company, its mailboxes and drives backed up, changed, scanned, pruned, restored.

Every step is what an administrator types: ``ansible-playbook`` with a playbook of the collection. The company is the
tenant of ``tests/tenant``, reached under Microsoft's host names through a proxy. Everything stays in ``.demo``.
"""

from __future__ import annotations

import importlib.util
import io
import json
import os
import pathlib
import secrets
import shutil
import subprocess
import sys
import time
import typing as t
import zipfile
from email.message import EmailMessage

import tree

sys.path.insert(0, str(tree.ROOT / "tests"))

from tenant.company import populate_small_company
from tenant.harness import RunningTenant, running_tenant

DEMO = tree.ROOT / ".demo"
REPOSITORY = DEMO / "repository"
PASSPHRASE = DEMO / "passphrase"
RECOVERY_KEY = DEMO / "recovery_key"
REPORT = DEMO / "report.html"
GROUP = "Sales"
TITLE = "Sales and everyone in it"
PLAN = "sales-and-everyone-in-it"
FILES_TITLE = "Files of Sales"
FILES_PLAN = "files-of-sales"
RULE = """rule Dropper_Of_The_Demo
{
    strings:
        $word = "this harmless line plays the malware"
    condition:
        $word
}
"""


_TASK_FAILED = 2
"""How ansible-playbook ends when a task has failed, and nothing else was wrong."""


class DemoFailed(Exception):
    """A step did not do what it should; the screen has said why."""


def main() -> int:
    started = time.monotonic()
    shutil.rmtree(DEMO, ignore_errors=True)
    DEMO.mkdir(mode=0o700)
    PASSPHRASE.touch(mode=0o600)
    PASSPHRASE.write_text(secrets.token_urlsafe(48) + "\n", encoding="utf-8")
    try:
        with running_tenant() as tenant:
            _story(tenant)
    except DemoFailed as error:
        print(f"\nThe demo stopped: {error}")
        return 1
    _ending(time.monotonic() - started)
    return 0


def _story(tenant: RunningTenant) -> None:
    step = Step(tenant)
    begin = step.say("A Microsoft 365 tenant starts on this machine and gets a small company.")
    company = populate_small_company(tenant.control)
    total = sum(len(tenant.control.messages(user)) for user in company.users)
    step.done(begin, f"{len(company.users)} users, {len(company.groups)} groups (one inside another), {total:,} messages")
    declared: dict[str, t.Any] = {
        "title": TITLE,
        "groups": [GROUP],
        "repository": str(REPOSITORY),
        "schedule": {"every": "daily", "at": "22:30"},
        "retention": {"keep_last": 1},
        "recovery_key_file": str(RECOVERY_KEY),
    }
    step.play(f"Whom does the group {GROUP} mean? Nothing is changed by asking.", "preview", groups=[GROUP])
    step.play(f"A group backup plan for the group {GROUP} is applied.", "apply", **declared)
    step.play("The same plan is applied again: nothing to do.", "apply", **step.last)
    step.play("The first run reads every mailbox of the group.", "run", plan=PLAN)
    begin = step.say("People work: mail comes in, is moved, flagged and deleted.")
    user = next(name for name in company.users if name.startswith("adele"))
    inbox = next(folder["name"] for folder in tenant.control.folders(user) if folder["well_known"] == "inbox")
    step.done(begin, _work(tenant, user))
    step.play("The second run reads only what has changed.", "run", plan=PLAN)
    step.play("A third run finds nothing to do, and writes nothing.", "run", plan=PLAN)
    step.play("Retention removes what it does not keep.", "prune", plan=PLAN)
    step.play(
        f"What {user} has about meetings is looked for in all restore points, without reading a body.",
        "find",
        plan=PLAN,
        members=[user],
        snapshots=["all"],
        subject="meeting",
        limit=3,
    )
    step.play(
        f"The folder {inbox} of {user} is restored into files.",
        "restore",
        plan=PLAN,
        member=user,
        sources=["mail"],
        folder=inbox,
        target_path=str(DEMO / "restored"),
    )
    step.play(
        "The calendars and contacts become files that any program imports.",
        "restore",
        plan=PLAN,
        member=user,
        sources=["calendar", "contacts"],
        target_path=str(DEMO / "restored"),
    )
    colleague = next(name for name in company.users if name != user and name.startswith("alex"))
    step.play(
        f"And the calendars go into the mailbox of a colleague, {colleague}.",
        "restore",
        plan=PLAN,
        member=user,
        sources=["calendar"],
        target_mailbox=colleague,
    )
    _drives(tenant, step, user, colleague)
    _malware(tenant, step, user, declared)
    step.play("Is everybody protected, by all plans of this host?", "coverage")
    step.play(
        "The same as a page for people, that any browser opens.", "report", html_file=str(REPORT), html_title="Backup of a small company"
    )
    sent = tenant.control.stats()
    begin = step.say("Nobody was invited to anything by that:")
    step.done(begin, f"{sent['invitations_sent']} invitations, {sent['notifications_sent']} notifications left the tenant")


def _drives(tenant: RunningTenant, step: Step, user: str, colleague: str) -> None:
    """OneDrives: a plan of their own, in the same repository."""
    control = tenant.control
    begin = step.say("Some of the people have a OneDrive.")
    for owner in (user, colleague):
        control.create_drive(owner)
    size = control.generate_files(user, 80, path="/Documents/Projects", folders=8, largest=2_000_000)
    control.put_file(user, "/Documents/Budget.xlsx", seed=1, size=300_000)
    step.done(begin, f"{user} has 81 files, {size / 1e6:.0f} MB, {colleague} an empty drive, the others have none")
    step.play(
        f"A second plan covers the OneDrives of the group {GROUP}, in the same repository.",
        "apply",
        title=FILES_TITLE,
        groups=[GROUP],
        type="onedrive",
        versions=3,
        repository=str(REPOSITORY),
    )
    step.play("Its first run reads every file.", "run", plan=FILES_PLAN)
    begin = step.say("Somebody saves the budget again, renames the folder with all the projects, and deletes one of them.")
    control.put_file(user, "/Documents/Budget.xlsx", seed=2, size=310_000)
    folders = [line["path"] for line in control.drive_listing(user) if line["kind"] == "folder"]
    control.delete_item(user, folders[-1])
    control.rename_item(user, "/Documents/Projects", "Projects until 2026")
    moved = sum(line["kind"] == "file" and "until 2026" in line["path"] for line in control.drive_listing(user))
    step.done(begin, f"the budget is new, and {moved} files are in another place than before")
    step.play("The second run reads the budget, and nothing of what lies in the renamed folder.", "run", plan=FILES_PLAN)
    step.play(
        f"The documents of {user} go into the OneDrive of {colleague}.",
        "restore",
        plan=FILES_PLAN,
        member=user,
        folder="Documents",
        target_drive=colleague,
    )


def _malware(tenant: RunningTenant, step: Step, user: str, declared: dict[str, t.Any]) -> None:
    """The embedded engine with one rule: the demo needs no daemon and no download."""
    if importlib.util.find_spec("boreal") is None:
        begin = step.say("Malware is not looked for here:")
        step.done(begin, "the embedded engine has no wheel for this Python (it needs 3.11); ClamAV works with every one")
        return
    begin = step.say(f"{user} gets a mail whose attachment, a program in a zip file, is malware: one rule knows it.")
    rules = DEMO / "rules"
    rules.mkdir()
    (rules / "demo.yar").write_text(RULE, encoding="utf-8")
    tenant.control.deliver(user, "inbox", _infected_mail(user))
    step.done(begin, str((rules / "demo.yar").relative_to(tree.ROOT)))
    scan = {"engine": "yara", "rules": [str(rules)]}
    step.play("The plan has its backups scanned from here on, by that rule.", "apply", **declared, malware_scan=scan)
    step.play("The next run stores that mail, as evidence, and reports it.", "run", plan=PLAN)
    step.play("What was stored before anybody asked for a scan is scanned now.", "scan", plan=PLAN)
    wanted = {"plan": PLAN, "member": user, "sources": ["mail"], "subject": "invoice 4711", "target_path": str(DEMO / "restored")}
    step.play("A restore does not hand it out,", "restore", refuses=True, **wanted)
    step.play("unless it is asked to: then into an encrypted zip file.", "restore", **wanted, include_infected=True)


def _infected_mail(user: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("invoice.exe", "MZ: this harmless line plays the malware")
    message = EmailMessage()
    message["From"] = "accounting@fabrikam.com"
    message["To"] = user
    message["Subject"] = "Your invoice 4711"
    message["Message-ID"] = "<invoice-4711@fabrikam.com>"
    message.set_content("Please find your invoice attached.")
    message.add_attachment(packed.getvalue(), maintype="application", subtype="zip", filename="invoice.zip")
    return message.as_bytes()


def _work(tenant: RunningTenant, user: str) -> str:
    control = tenant.control
    inbox = [message["id"] for message in control.messages(user, "inbox")]
    control.deliver_generated(user, 20, folder="inbox", first=1_000_000, size_limit=200_000)
    control.move(user, inbox[:5], "archive")
    control.delete(user, inbox[5:10])
    control.update(user, inbox[10:15], flagged=True)
    return f"in the mailbox of {user}: 20 delivered, 5 moved, 5 deleted, 5 flagged"


class Step:
    """Numbers the steps, runs playbooks, and says what came of them."""

    def __init__(self, tenant: RunningTenant) -> None:
        self._number = 0
        self.last: dict[str, t.Any] = {}
        tools = tree.ROOT / "tools"
        self._environment = {
            **tenant.environment(os.environ),
            "PATH": f"{pathlib.Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
            "ANSIBLE_COLLECTIONS_PATH": str(tree.BUILD),
            "ANSIBLE_CALLBACK_PLUGINS": str(tools / "callback"),
            "ANSIBLE_STDOUT_CALLBACK": "story",
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
            "ANSIBLE_HOME": str(DEMO / "ansible"),
            "M365_TENANT_ID": tenant.tenant_id,
            "M365_CLIENT_ID": tenant.client_id,
            "M365_CLIENT_SECRET": tenant.client_secret,
            "M365_BACKUP_PASSPHRASE_FILE": str(PASSPHRASE),
            "M365_BACKUP_STATE_PATH": str(DEMO / "state"),
        }

    def say(self, sentence: str) -> float:
        self._number += 1
        print(f"\n{self._number}. {sentence}", flush=True)
        return time.monotonic()

    def done(self, begin: float, sentence: str) -> None:
        print(f"   {sentence}  ({time.monotonic() - begin:.1f} s)", flush=True)

    def play(self, sentence: str, playbook: str, *, refuses: bool = False, **variables: t.Any) -> None:
        """Run a playbook of the collection. Options of the plan and the run travel as extra variables; secrets do not.

        C(refuses): its task has to fail.
        """
        self.last = variables
        begin = self.say(sentence)
        name = ".".join((*tree.collection_name(), playbook))
        extra = json.dumps({f"m365_backup_{key}": value for key, value in variables.items()})
        print(f"   $ ansible-playbook {name}", flush=True)
        ended = subprocess.run(
            [str(pathlib.Path(sys.executable).parent / "ansible-playbook"), name, "-e", extra],
            env=self._environment,
            cwd=DEMO,
            check=False,
        )
        print(f"   ({time.monotonic() - begin:.1f} s)", flush=True)
        if (ended.returncode == _TASK_FAILED) if refuses else (ended.returncode == 0):
            return
        raise DemoFailed(f"ansible-playbook {name} ended with {ended.returncode}.")


def _ending(seconds: float) -> None:
    repository, passphrase, recovery_key = (path.relative_to(tree.ROOT) for path in (REPOSITORY, PASSPHRASE, RECOVERY_KEY))
    print(
        f"""
All of it took {seconds:.0f} seconds. The repository is {repository}, its passphrase is in {passphrase},
and the recovery key, which opens it as well, in {recovery_key}.
It is a restic repository, and restic (apt install restic) reads it without us:

   restic -r {repository} --password-file {passphrase} snapshots
   restic -r {repository} --password-file {passphrase} ls latest --tag plan:{PLAN}
   restic -r {repository} --password-file {passphrase} check --read-data

All of it as a page for people is {REPORT.relative_to(tree.ROOT)}; open it in any browser.
What was restored is in {(DEMO / "restored").relative_to(tree.ROOT)}; mail, calendar and address programs open it."""
    )


if __name__ == "__main__":
    sys.exit(main())
