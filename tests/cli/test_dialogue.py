"""destination add on a terminal: questions, answers, drafts. Nothing is dialled."""
import os

from adding import ACCOUNT, CLUSTER, WORKGROUP, Terminal, add, destinations, no_secret

ALL_BUT_THE_KEY = ("--endpoint", f"{CLUSTER}:5439/dev", "--user", "loader", "--bucket", "stage", "--prefix", "p",
                   "--bucket-region", "eu-west-1", "--schema", "shop", "--create-schema", "yes")


def test_dialogue_by_a_role(vesto):
    vesto.write("vesto.toml", 'version = 1\n[server]\npublic_egress = ["203.0.113.7/32"]\n')
    t = Terminal(vesto, "destination", "add", "acme")
    t.answer("Endpoint", f"redshift://{WORKGROUP}")
    t.expect(f"Understood: workgroup analytics of account {ACCOUNT} in eu-west-1, host {WORKGROUP}")
    t.answer("Database [dev]:", "")
    t.answer("(direct, ssh) [direct]:", "")
    t.expect("203.0.113.7/32")
    t.answer("[role]:", "")
    t.answer("[google]:", "")
    t.answer(f"[arn:aws:iam::{ACCOUNT}:role/vesto-acme-role]:", "arn:aws:iam::nonsense")
    t.expect("is no ARN of a role")
    t.answer("for the usual one", "")
    t.answer("Audience of the trust policy [vesto-acme-", "")
    t.answer("Bucket", "s3://acme-stage")
    t.answer("Prefix [vesto/]:", "")
    t.answer("region", "")
    t.answer("KMS", "")
    t.answer("Schema of the target tables:", "Raw")
    t.expect("Understood: raw.")
    t.answer("May Vesto make it [yes]:", "no")
    t.answer("Run the test now? [Y/n]:", "n")
    assert t.end() == 0, t.text
    own = destinations(vesto)["acme"]
    assert own["schema"] == "raw" and own["create_schema"] is False
    assert own["auth"]["role_arn"].endswith("vesto-acme-role") and own["staging"]["prefix"] == "vesto/"
    assert t.text.index("Warehouse\n") < t.text.index("Network\n") < t.text.index("Identity\n")
    assert not list((vesto.folder / ".vesto" / "drafts").glob("*.toml"))


def test_dialogue_left_and_taken_up(vesto):
    t = Terminal(vesto, "destination", "add", "acme", "--endpoint", f"{CLUSTER}:5439/dev", "--user", "loader")
    t.answer("(direct, ssh) [direct]:", "ssh")
    t.answer("SSH server:", "bastion.example")
    t.answer("Its port [22]:", "")
    t.answer("User there:", "vesto")
    t.answer("Fingerprint", "")
    t.expect("restrict,port-forwarding")
    t.answer("Value of acme/password", "pA55-w0rd 'x'")
    t.answer("Once more:", "pA55-w0rd 'x'")
    t.expect("Sealed as acme/password.")
    t.answer("[access_key]:", "later")
    assert t.end() == 0 and "A draft of acme is kept." in t.text, t.text
    assert "pA55" not in t.text
    no_secret(vesto, "pA55-w0rd")
    t = Terminal(vesto, "destination", "add", "acme", "--no-test")
    t.expect("Going on with the draft of acme.")
    t.answer("Fingerprint", "")
    t.answer("[access_key]:", "")
    t.answer("Access key id (none: the kit makes one):", "AKIAEXAMPLE")
    t.answer("Value of acme/secret-access-key", "s3cr3t-key")
    t.answer("Once more:", "s3cr3t-key")
    t.answer("role to assume (empty: none):", "")
    t.answer("Bucket", "stage")
    t.answer("Prefix", "p")
    t.answer("region", "eu-west-1")
    t.answer("KMS", "")
    t.answer("Schema of", "shop")
    t.answer("May Vesto", "")
    assert t.end() == 0, t.text
    own = destinations(vesto)["acme"]
    assert own["auth"]["password"] == {"secret": "acme/password"}
    assert own["ssh"] == {"host": "bastion.example", "port": 22, "user": "vesto"}
    assert vesto("config", "check").returncode == 0


def test_who_has_no_access_key_yet_has_the_kit_that_makes_it(vesto):
    t = Terminal(vesto, "destination", "add", "acme", *ALL_BUT_THE_KEY, "--password-env", "PG_PASSWORD")
    t.answer("(direct, ssh) [direct]:", "")
    t.answer("[access_key]:", "")
    t.answer("Access key id (none: the kit makes one):", "none")
    t.answer("role to assume (empty: none):", "")
    t.answer("KMS", "")
    t.expect("vesto destination kit acme --part script")
    assert t.end() == 0 and "A draft of acme is kept" in t.text, t.text
    assert "iam create-access-key" in vesto("destination", "kit", "acme", "--part", "script").stdout
    t = Terminal(vesto, "destination", "add", "acme", "--no-test")
    t.answer("Access key id", "AKIAIOSFODNN7EXAMPLE")
    t.answer("Value of acme/secret-access-key", "s3cr3t-key")
    t.answer("Once more:", "s3cr3t-key")
    t.answer("role to assume", "")
    t.answer("KMS", "")
    assert t.end() == 0, t.text
    assert destinations(vesto)["acme"]["auth"]["access_key_id"] == "AKIAIOSFODNN7EXAMPLE"


def test_the_network_is_asked_for_whatever_else_is_known(vesto):
    vesto.write("vesto.toml", 'version = 1\n[server]\npublic_egress = ["203.0.113.7/32"]\n')
    t = Terminal(vesto, "destination", "add", "acme", "--endpoint", f"{CLUSTER}:5439/dev", "--schema", "s")
    t.answer("(direct, ssh) [direct]:", "neither")
    t.expect("Answer direct or ssh.")
    t.answer("(direct, ssh) [direct]:", "")
    t.expect("The warehouse must let in: 203.0.113.7/32")
    t.answer("[role]:", "later")
    assert t.end() == 0, t.text
    assert "Correct the value at the place named" not in t.text
    t = Terminal(vesto, "destination", "add", "acme")  # and once only
    t.answer("[role]:", "later")
    assert t.end() == 0 and "direct, ssh" not in t.text, t.text


def test_enter_behind_a_wrong_answer_is_the_usual_one(vesto):
    t = Terminal(vesto, "destination", "add", "acme", *ALL_BUT_THE_KEY, "--password-env", "NOT_SET")
    t.answer("(direct, ssh) [direct]:", "")
    t.answer("[access_key]:", "aws")
    t.answer("role to assume", "")
    t.answer("KMS", "")
    t.answer("Run the test now? [Y/n]:", "perhaps")
    t.answer("Run the test now? [Y/n]:", "")
    assert t.end() != 0 and "CFG-SECRET-MISSING" in t.text, t.text  # it was run


def test_ctrl_d_and_five_wrong_answers(vesto):
    t = Terminal(vesto, "destination", "add", "acme")
    t.expect("Endpoint")
    os.write(t.ours, b"\x04")
    assert t.end() == 0 and "draft" in t.text
    t = Terminal(vesto, "destination", "add", "acme")
    for _ in range(5):
        t.answer("Endpoint", "http://")
    assert t.end() == 3 and "CFG-VALUE" in t.text and "What is known is kept" in t.text
    assert " draft " in vesto("destination", "list").stdout
