"""POST /v1/warehouse: what AWS tells of the warehouse, and what clients meet at its address."""
import contextlib
import json
import os
import socket
import time
import urllib.error
import urllib.request

import psycopg2
import pytest

pytest.importorskip("boto3")
from conftest import WORLD, Cloud  # noqa: E402
from test_security_group import knock  # noqa: E402

RESIZE = "Cannot execute write query because system is in resize mode"


@pytest.fixture(scope="module")
def cluster(start_sandbox):
    return Cloud(start_sandbox("state-cluster", "--world", WORLD))


@pytest.fixture(scope="module")
def workgroup(start_sandbox):
    return Cloud(start_sandbox("state-workgroup", "--kind", "serverless", "--world", WORLD))


@pytest.fixture(autouse=True)
def available_again(request):
    yield
    for name in ("cluster", "workgroup"):
        if name in request.fixturenames:
            request.getfixturevalue(name).control("/v1/warehouse", {"status": "available"})


def told(cloud):
    """What AWS says: (ClusterStatus, ClusterAvailabilityStatus)."""
    role = cloud.assume()["Credentials"]
    found = cloud.as_keys("redshift", role).describe_clusters(ClusterIdentifier="examplecluster")
    return found["Clusters"][0]["ClusterStatus"], found["Clusters"][0]["ClusterAvailabilityStatus"]


def workgroup_status(cloud):
    role = cloud.assume()["Credentials"]
    found = cloud.as_keys("redshift-serverless", role).get_workgroup(workgroupName="analytics")
    return found["workgroup"]["status"]


def door(cloud):
    try:
        return knock(cloud, "127.0.0.1")
    except ConnectionRefusedError:
        return "refuses"


STATES = [("available", ("available", "Available"), "answers"),
          ("paused", ("paused", "Unavailable"), "refuses"),
          ("resuming", ("resuming", "Unavailable"), "refuses"),
          ("rebooting", ("rebooting", "Unavailable"), "refuses"),
          ("creating", ("creating", "Modifying"), "refuses"),
          ("deleting", ("deleting", "Unavailable"), "refuses"),
          ("modifying", ("modifying", "Modifying"), "answers"),
          ("resizing", ("resizing", "Modifying"), "answers"),
          ("maintenance", ("available", "Maintenance"), "refuses")]


@pytest.mark.parametrize("status, said, met", STATES, ids=[each[0] for each in STATES])
def test_each_state_is_told_and_met(cluster, status, said, met):
    cluster.control("/v1/warehouse", {"status": status})
    assert (told(cluster), door(cluster)) == (said, met)
    cluster.control("/v1/warehouse", {"status": "available"})
    assert (told(cluster), door(cluster)) == (("available", "Available"), "answers")


@pytest.mark.parametrize("status, met", [("available", "answers"), ("creating", "refuses"),
                                         ("modifying", "answers"), ("deleting", "refuses")])
def test_a_workgroup_knows_fewer(workgroup, status, met):
    workgroup.control("/v1/warehouse", {"status": status})
    assert (workgroup_status(workgroup), door(workgroup)) == (status.upper(), met)


def test_the_port_is_kept_while_nobody_listens(cluster):
    port = cluster.endpoints["redshift"]["port"]
    for _ in range(5):
        cluster.control("/v1/warehouse", {"status": "paused"})
        assert door(cluster) == "refuses"
        with contextlib.closing(socket.socket()) as other, pytest.raises(OSError):
            other.bind(("127.0.0.1", port))
        cluster.control("/v1/warehouse", {"status": "available"})
        assert door(cluster) == "answers"


def test_it_wakes_by_itself(cluster):
    cluster.control("/v1/warehouse", {"status": "resuming", "after_ms": 1500})
    from_s = time.monotonic()
    assert told(cluster)[0] == "resuming"
    while door(cluster) != "answers":
        assert time.monotonic() - from_s < 10
        time.sleep(0.05)
    assert time.monotonic() - from_s > 1.4
    assert told(cluster) == ("available", "Available")


def test_a_silent_door_times_out(cluster):
    cluster.control("/v1/warehouse", {"status": "paused", "door": "silent"})
    assert door(cluster) == ("times out" if os.geteuid() == 0 else "hangs")
    cluster.control("/v1/warehouse", {"status": "available"})
    assert door(cluster) == "answers"


def test_a_server_that_starts_up_says_so(cluster):
    cluster.control("/v1/warehouse", {"status": "rebooting", "door": "starting"})
    with pytest.raises(psycopg2.OperationalError, match="the database system is starting up"):
        cluster.sandbox.connect()


@pytest.mark.parametrize("status", ["paused", "maintenance"])
def test_open_sessions_are_cut(cluster, status):
    with contextlib.closing(cluster.sandbox.connect()) as connection:
        connection.cursor().execute("SELECT 1")
        cluster.control("/v1/warehouse", {"status": status})
        with pytest.raises(psycopg2.OperationalError):
            connection.cursor().execute("SELECT 1")


def test_a_resize_takes_reads_and_no_writes(cluster):
    with contextlib.closing(cluster.sandbox.connect()) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute("CREATE TABLE IF NOT EXISTS public.resized (id INTEGER)")
        cursor.execute("INSERT INTO public.resized VALUES (1)")
        cluster.control("/v1/warehouse", {"status": "resizing"})
        cursor.execute("SELECT COUNT(*) FROM public.resized")
        for sql in ("INSERT INTO public.resized VALUES (2)", "DELETE FROM public.resized",
                    "UPDATE public.resized SET id = 3",
                    "CREATE TABLE public.resized_2 (id INTEGER)",
                    "CREATE TEMP TABLE resized_3 (id INTEGER)",
                    "ALTER TABLE public.resized ADD COLUMN more INTEGER",
                    "CREATE SCHEMA resized_4", "DROP TABLE public.resized"):
            with pytest.raises(psycopg2.Error, match=RESIZE):
                cursor.execute(sql)
        cluster.control("/v1/warehouse", {"status": "available"})
        cursor.execute("DROP TABLE public.resized")


def test_a_cold_start_delays_the_first_statement_and_refuses_nobody(workgroup):
    def took_s():
        from_s = time.monotonic()
        with contextlib.closing(workgroup.sandbox.connect()) as connection:
            connection.cursor().execute("SELECT 1")
        return time.monotonic() - from_s

    workgroup.control("/v1/warehouse", {"status": "available", "cold_start_ms": 1500})
    assert took_s() > 1.4
    assert took_s() < 1


BAD = [({}, "status is none"), ({"status": "asleep"}, "status is none"), ({"status": 1}, "status"),
       ({"status": "paused", "door": "ajar"}, "door is open"),
       ({"status": "paused", "after_ms": 0}, "after_ms is a whole number"),
       ({"status": "paused", "after_ms": 600_001}, "after_ms is a whole number"),
       ({"status": "paused", "after_ms": 1.5}, "after_ms is a whole number"),
       ({"status": "paused", "after_ms": 2**70}, "after_ms is a whole number"),
       ({"status": "paused", "later": 1}, "no such field: later"),
       ({"status": "available", "cold_start_ms": 10}, "for Serverless"),
       ({"status": "available", "after_ms": 10}, "is available again"), ([], "object")]


@pytest.mark.parametrize("body, why", BAD, ids=[json.dumps(each[0]) for each in BAD])
def test_what_makes_no_sense_is_refused_and_changes_nothing(cluster, body, why):
    with pytest.raises(urllib.error.HTTPError) as refusal:
        cluster.control("/v1/warehouse", body)
    assert refusal.value.code == 400
    assert why in json.loads(refusal.value.read())["error"]
    assert (told(cluster), door(cluster)) == (("available", "Available"), "answers")


@pytest.mark.parametrize("body", [{"status": "paused"}, {"status": "resizing"},
                                  {"status": "creating", "cold_start_ms": 10}])
def test_a_workgroup_is_never_paused_or_resized(workgroup, body):
    with pytest.raises(urllib.error.HTTPError):
        workgroup.control("/v1/warehouse", body)
    assert (workgroup_status(workgroup), door(workgroup)) == ("AVAILABLE", "answers")


def test_the_state_can_be_asked(cluster):
    control = cluster.endpoints["control"]
    cluster.control("/v1/warehouse", {"status": "maintenance", "door": "silent"})
    request = urllib.request.Request(control["url"] + "/v1/warehouse",
                                     headers={"Authorization": "Bearer " + control["token"]})
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert json.loads(answer.read()) == {"status": "available", "availability": "Maintenance",
                                             "door": "silent"}
