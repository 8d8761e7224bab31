"""Claims about the gate in front of a real API server; run by prove.sh. Uses the standard library and PyYAML."""
import base64, copy, hashlib, http.client, json, os, socket, ssl, statistics, subprocess, sys, threading, time, urllib.parse

import yaml

standstill, folder, address, token, manifest = sys.argv[1:6]
agreement = hashlib.sha256(b"agreement").hexdigest()
rows = []


def claim(sentence, holds, seen=""):
    rows.append((sentence, bool(holds)))
    print(("holds: " if holds else "DOES NOT HOLD: ") + sentence + (f"\n  seen: {seen}" if seen and not holds else ""), flush=True)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


# ---- the API server ------------------------------------------------------------------------------------------------------------------------
class Api:
    """One kept connection, so that times are those of requests and not of handshakes."""

    def __init__(self):
        self.host = urllib.parse.urlparse(address)
        self.open()

    def open(self):
        # The server makes its own certificate for each run of this test on this machine; it is not what is tested.
        context = ssl._create_unverified_context()
        self.connection = http.client.HTTPSConnection(self.host.hostname, self.host.port, timeout=30, context=context)
        self.connection.connect()
        self.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def call(self, method, path, body=None, kind="application/json", user=None):
        headers = {"Authorization": f"Bearer {token}", "Content-Type": kind}
        if user:
            headers.update({"Impersonate-User": user, "Impersonate-Group": "system:masters"})
        data = None if body is None else json.dumps(body).encode()
        try:
            self.connection.request(method, path, data, headers)
            answer = self.connection.getresponse()
            content = answer.read()
        except (http.client.HTTPException, OSError):
            self.open()
            raise
        try:
            return answer.status, json.loads(content)
        except ValueError:
            return answer.status, {"message": content.decode("utf-8", "replace")}


api = Api()
PATHS = {
    "Pod": "/api/v1/namespaces/{}/pods",
    "Job": "/apis/batch/v1/namespaces/{}/jobs",
    "CronJob": "/apis/batch/v1beta1/namespaces/{}/cronjobs",
    "Deployment": "/apis/apps/v1/namespaces/{}/deployments",
    "ReplicaSet": "/apis/apps/v1/namespaces/{}/replicasets",
    "StatefulSet": "/apis/apps/v1/namespaces/{}/statefulsets",
    "DaemonSet": "/apis/apps/v1/namespaces/{}/daemonsets",
    "ReplicationController": "/api/v1/namespaces/{}/replicationcontrollers",
    "JobSet": "/apis/jobset.x-k8s.io/v1alpha2/namespaces/{}/jobsets",
    "RayJob": "/apis/ray.io/v1/namespaces/{}/rayjobs",
    "RayCluster": "/apis/ray.io/v1/namespaces/{}/rayclusters",
    "Workload": "/apis/kueue.x-k8s.io/v1beta1/namespaces/{}/workloads",
    "PyTorchJob": "/apis/kubeflow.org/v1/namespaces/{}/pytorchjobs",
}
VERSIONS = {
    "Pod": "v1", "ReplicationController": "v1", "Job": "batch/v1", "CronJob": "batch/v1beta1", "JobSet": "jobset.x-k8s.io/v1alpha2",
    "RayJob": "ray.io/v1", "RayCluster": "ray.io/v1", "Workload": "kueue.x-k8s.io/v1beta1", "PyTorchJob": "kubeflow.org/v1",
}
number = 0


def create(kind, spec, namespace="lab", labels=None, owner=None, query="", name=None, user=None):
    global number
    number += 1
    metadata = {"name": name or f"x{number}", "labels": labels or {}}
    if owner:
        metadata["ownerReferences"] = [{"apiVersion": "batch/v1", "kind": "Job", "name": owner["metadata"]["name"], "uid": owner["metadata"]["uid"]}]
    body = {"apiVersion": VERSIONS.get(kind, "apps/v1"), "kind": kind, "metadata": metadata, "spec": spec}
    return api.call("POST", PATHS[kind].format(namespace) + query, body, user=user)


def patch(kind, name, change, namespace="lab"):
    return api.call("PATCH", PATHS[kind].format(namespace) + "/" + name, change, "application/merge-patch+json")


def definitions():
    """The kinds of other projects, with their groups and names and any content: the gate reads the objects, not their schemas."""
    for group, version, kind, plural in [
        ("jobset.x-k8s.io", "v1alpha2", "JobSet", "jobsets"), ("ray.io", "v1", "RayJob", "rayjobs"), ("ray.io", "v1", "RayCluster", "rayclusters"),
        ("kueue.x-k8s.io", "v1beta1", "Workload", "workloads"), ("kubeflow.org", "v1", "PyTorchJob", "pytorchjobs"),
    ]:
        schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
        body = {
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            # Groups under k8s.io need a word of the API reviewers, or this one.
            "metadata": {"name": f"{plural}.{group}", "annotations": {"api-approved.kubernetes.io": "unapproved, for a test"}},
            "spec": {"group": group, "scope": "Namespaced", "names": {"kind": kind, "plural": plural, "singular": kind.lower(), "listKind": kind + "List"},
                     "versions": [{"name": version, "served": True, "storage": True, "schema": schema}]},
        }
        status, answer = api.call("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", body)
        assert status in (201, 409), answer
        until(lambda kind=kind: api.call("GET", PATHS[kind].format("lab"))[0] == 200, f"{kind} is served")


def until(condition, what, seconds=30):
    end = time.time() + seconds
    while not condition():
        if time.time() > end:
            raise SystemExit(f"timed out: {what}")
        time.sleep(0.1)


# ---- the gate ------------------------------------------------------------------------------------------------------------------------------
class Gate:
    def __init__(self):
        self.process, self.keeper = None, None
        self.port, self.operator = free_port(), free_port()
        self.home = os.path.join(folder, "home")
        subprocess.run([standstill, "gate", "init", self.home, "--id", "north-gate"], check=True, stdout=subprocess.DEVNULL)
        self.write("terms.toml", f"""
agreement = "{agreement}"
party = "north"
hold_seconds = 3600
[[chip]]
model = "h100"
gigaops_per_second = 3958000
[[exempt]]
id = "serving"
purpose = "inference"
accounts = ["serving"]
accelerators = 8
accelerators_together = 64
""")
        self.config("ours")

    def config(self, identity):
        self.write("gate.toml", f"""
terms = "terms.toml"
home = "home"
issuer = "north-gate"
cluster = "kube"
listen = "127.0.0.1:{self.operator}"
publish_seconds = 1
[situation]
file = "situation.json"
poll_seconds = 1
[webhook]
listen = "127.0.0.1:{self.port}"
certificate = "{identity}.crt"
key = "{identity}.key"
""")

    def write(self, name, text):
        path = os.path.join(folder, name)
        with open(path + ".new", "w") as file:
            file.write(text)
        os.rename(path + ".new", path)

    def phase(self, phase):
        now = int(time.time())
        run = {"run": "beta", "class": "posttraining", "from_window": 0, "ended": False, "planned_petaops": 10**14, "used_petaops": 0,
               "lineage_petaops": 0, "lineage_allowed_petaops": None}
        cap = {"id": "train", "measure": "petaops", "classes": ["pretraining", "posttraining"], "allowed": 10**14, "used": 0}
        self.write("situation.json", json.dumps({"agreement": agreement, "party": "north", "phase": phase, "phase_since_unix_seconds": now, "window": 0,
                                                 "as_of_unix_seconds": now, "caps": [cap], "runs": [run]}))
        if self.process:
            until(lambda: self.health().get("phase") == phase, f"the gate knows that the agreement is {phase}")

    def health(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.operator, timeout=5)
        try:
            connection.request("GET", "/health")
            return json.loads(connection.getresponse().read())
        except OSError:
            return {}

    def metrics(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.operator, timeout=5)
        connection.request("GET", "/metrics")
        return connection.getresponse().read().decode()

    def start(self):
        log = open(os.path.join(folder, "gate.log"), "a")
        command = [standstill, "node", "--role", "gate", "--config", os.path.join(folder, "gate.toml")]
        self.process = subprocess.Popen(command, stdout=log, stderr=log)
        until(lambda: self.health() != {}, "the gate answers")

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None


class Impostor:
    """Something at the gate's address that is no gate: TLS with the gate's own certificate, and whatever answer."""

    def __init__(self, port, answer):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(os.path.join(folder, "ours.crt"), os.path.join(folder, "ours.key"))
        self.listener = socket.create_server(("127.0.0.1", port))
        self.context, self.answer, self.open = context, answer, []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                raw, _ = self.listener.accept()
                threading.Thread(target=self.one, args=(raw,), daemon=True).start()
            except OSError:
                return

    def one(self, raw):
        try:
            stream = self.context.wrap_socket(raw, server_side=True)
            self.open.append(stream)
            request = b""
            while b"\r\n\r\n" not in request:
                request += stream.recv(65536)
            if self.answer is None:
                return
            length = len(self.answer)
            stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % length + self.answer)
            stream.close()
        except OSError:
            pass

    def close(self):
        # Wakes the thread that waits for a connection; otherwise the port would stay taken.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for stream in self.open:
            stream.close()


# ---- objects -------------------------------------------------------------------------------------------------------------------------------
def container(gpus=None, **more):
    made = {"name": "c", "image": "i", **more}
    if gpus:
        made["resources"] = {"limits": {"nvidia.com/gpu": str(gpus)}}
    return made


def pod(gpus=None, **more):
    return {"containers": [container(gpus)], **more}


def job_spec(gpus, parallelism=1, **more):
    return {"parallelism": parallelism, "completions": parallelism, "activeDeadlineSeconds": 600, "template": {"spec": pod(gpus, restartPolicy="Never")}, **more}


def scaled(gpus):
    return {"replicas": 2, "selector": {"matchLabels": {"a": "b"}}, "template": {"metadata": {"labels": {"a": "b"}}, "spec": pod(gpus)}}


CONTROLLER = "system:serviceaccount:kube-system:job-controller"
DECLARED = {"standstill/class": "posttraining", "standstill/run": "beta"}
EVERY_KIND = {
    "Pod": pod(8), "Job": job_spec(8, 4), "CronJob": {"schedule": "* * * * *", "jobTemplate": {"spec": job_spec(8)}}, "Deployment": scaled(8),
    "ReplicaSet": scaled(8), "StatefulSet": {**scaled(8), "serviceName": "x"},
    "DaemonSet": {key: value for key, value in scaled(8).items() if key != "replicas"},
    "ReplicationController": {"replicas": 2, "selector": {"a": "b"}, "template": scaled(8)["template"]},
    "JobSet": {"replicatedJobs": [{"name": "a", "replicas": 2, "template": {"spec": job_spec(8, 4)}}]},
    "RayJob": {"rayClusterSpec": {"headGroupSpec": {"template": {"spec": pod()}}, "workerGroupSpecs": [{"replicas": 2, "template": {"spec": pod(8)}}]}},
    "RayCluster": {"headGroupSpec": {"template": {"spec": pod()}}, "workerGroupSpecs": [{"replicas": 2, "template": {"spec": pod(8)}}]},
    "Workload": {"podSets": [{"name": "a", "count": 3, "template": {"spec": pod(8)}}]},
    "PyTorchJob": {"pytorchReplicaSpecs": {"Worker": {"replicas": 4, "template": {"spec": pod(8)}}}},
}
# Ways to an accelerator that a look at `limits` of the containers does not show.
HIDDEN = {
    "an init container": {"containers": [container()], "initContainers": [{**container(8), "name": "i"}]},
    "a privileged container": {"containers": [container(securityContext={"privileged": True})]},
    "the runtime's variable": {"containers": [container(env=[{"name": "NVIDIA_VISIBLE_DEVICES", "value": "all"}])]},
    "the node's devices": {"containers": [container()], "volumes": [{"name": "d", "hostPath": {"path": "/dev"}}]},
    "another vendor's resource": {"containers": [container(resources={"limits": {"example.com/accelerator": "1"}})]},
    "a part of a chip": {"containers": [container(resources={"limits": {"nvidia.com/mig-1g.10gb": "1"}})]},
}


def refused(answer, words):
    status, body = answer
    return status == 403 and words in body.get("message", "")


def main():
    for namespace in ("lab", "serving"):
        # Servers since 1.22 set this label themselves; 1.20 does not.
        labels = {"kubernetes.io/metadata.name": namespace}
        status, answer = api.call("POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": labels}})
        assert status == 201, answer
    definitions()
    plain = latency(lambda: create("Pod", pod())[0])
    gate = Gate()
    try:
        run(gate, plain)
    finally:
        gate.kill()


def install(gate, policy=None, bundle="ours-ca.crt"):
    with open(manifest) as file:
        body = yaml.safe_load(file)
    with open(os.path.join(folder, bundle), "rb") as file:
        authority = base64.b64encode(file.read()).decode()
    for hook in body["webhooks"]:
        # The only change: an address of this machine in place of a service, which needs a network of pods.
        hook["clientConfig"] = {"caBundle": authority, "url": f"https://127.0.0.1:{gate.port}/admit"}
        if policy:
            hook["failurePolicy"] = policy
    path = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
    api.call("DELETE", path + "/standstill-gate")
    status, answer = api.call("POST", path, body)
    assert status == 201, answer
    settle()


def settle():
    # The server takes up a changed configuration within moments, and says nowhere when.
    time.sleep(2.0)


def latency(call, count=200):
    took = []
    for _ in range(count):
        start = time.perf_counter()
        call()
        took.append(1000 * (time.perf_counter() - start))
    return statistics.median(took)


def run(gate, plain):
    gate.phase("active")
    gate.start()
    install(gate)
    active(gate)
    gate.phase("paused")
    paused(gate)
    allow, deny = latency(lambda: create("Pod", pod())[0]), latency(lambda: create("Pod", pod(8))[0])
    times = gate.metrics()
    without(gate)
    print(f"\n| | claim | result |\n|---|---|---|")
    for index, (sentence, holds) in enumerate(rows, 1):
        print(f"| {index} | {sentence} | {'holds' if holds else 'DOES NOT HOLD'} |")
    print(f"\ncreating a pod, median of 200: {plain:.1f} ms without webhooks, {allow:.1f} ms let pass, {deny:.1f} ms refused by a recorded decision")
    print("\n".join(line for line in times.splitlines() if line.startswith(("standstill_gate_answer_seconds_sum", "standstill_gate_answer_seconds_count", 'standstill_gate_answer_seconds_bucket{le="0.005000"}'))))
    failed = sum(not holds for _, holds in rows)
    print(f"{len(rows) - failed} hold, {failed} do not")
    sys.exit(1 if failed else 0)


def active(gate):
    status, job = create("Job", job_spec(8, 4), labels=DECLARED, name="declared")
    claim("a declared Job is admitted while the agreement is active", status == 201, job.get("message"))
    decisions = gate.health()["decisions"]
    status, answer = create("Pod", pod(8), labels=DECLARED, owner=job)
    claim("a pod that says it belongs to it, but is not made by its controller, needs a time limit of its own", status == 403, answer.get("message"))
    status, answer = create("Pod", pod(8), owner=job, user=CONTROLLER)
    claim("the pod that its controller makes is admitted as a part of it", status == 201, answer.get("message"))
    claim("and all three decisions are in the journal", gate.health()["decisions"] == decisions + 2)
    answer = create("Pod", pod(8))
    claim("an undeclared pod is refused and told what to write", refused(answer, "class=<class>"), answer[1].get("message"))
    status, _ = create("Job", job_spec(8, 4, **{}), labels=DECLARED, name="small")
    assert status == 201
    # Kinds that can be suspended: 1.20 has the field for Jobs behind a switch only, so a JobSet stands for them.
    sleeping = copy.deepcopy(EVERY_KIND["JobSet"])
    sleeping["suspend"] = True
    for item in sleeping["replicatedJobs"]:
        item["template"]["spec"]["activeDeadlineSeconds"] = 600
    status, answer = create("JobSet", sleeping, labels=DECLARED, name="sleeping")
    assert status == 201, answer


def paused(gate):
    for kind, spec in EVERY_KIND.items():
        answer = create(kind, spec, labels=DECLARED)
        claim(f"a covered {kind} is refused while paused", refused(answer, "PAUSED"), answer)
    for what, spec in HIDDEN.items():
        answer = create("Pod", spec)
        claim(f"so is a pod that reaches accelerators by {what}", refused(answer, "PAUSED"), answer)
    decisions = gate.health()["decisions"]
    answer = create("Pod", pod(8), labels=DECLARED, query="?dryRun=All")
    claim("a dry run is refused and not recorded", refused(answer, "PAUSED") and gate.health()["decisions"] == decisions, answer)
    status, answer = create("Pod", pod())
    claim("a pod without accelerators is admitted", status == 201, answer.get("message"))
    status, answer = create("Pod", pod(4), "serving", {"standstill/class": "inference", "standstill/exempt": "serving"})
    claim("listed exempt work is admitted", status == 201, answer.get("message"))
    answer = create("Pod", pod(4), "lab", {"standstill/class": "inference", "standstill/exempt": "serving"})
    claim("the exemption is not for another namespace", refused(answer, "PAUSED"), answer)
    answer = patch("Job", "declared", {"spec": {"parallelism": 5}})
    claim("an admitted Job is not made larger while paused", refused(answer, "PAUSED"), answer)
    answer = patch("Job", "declared", {"spec": {"activeDeadlineSeconds": 60000}})
    claim("nor longer", refused(answer, "PAUSED"), answer)
    answer = patch("Job", "declared", {"metadata": {"labels": {"standstill/class": "inference"}}})
    claim("nor declared to be something else", refused(answer, "PAUSED"), answer)
    answer = patch("JobSet", "sleeping", {"spec": {"suspend": False}})
    claim("a suspended JobSet is not woken while paused", refused(answer, "PAUSED"), answer)
    status, answer = patch("Job", "small", {"spec": {"parallelism": 1}})
    claim("a Job may be made smaller", status == 200, answer.get("message"))
    status, answer = patch("Job", "small", {"metadata": {"annotations": {"note": "x"}}})
    claim("and changed in what does not matter", status == 200, answer.get("message"))
    status, answer = api.call("DELETE", PATHS["Job"].format("lab") + "/small?propagationPolicy=Background")
    claim("and removed", status == 200, answer.get("message"))


def without(gate):
    serving = {"standstill/class": "inference", "standstill/exempt": "serving"}
    gate.kill()
    status, answer = create("Pod", pod(8), labels=DECLARED)
    claim("with the gate killed a covered pod is refused", status == 500 and "failed calling webhook" in answer["message"], answer)
    status, answer = create("Pod", pod(4), "serving", serving)
    claim("and listed work is admitted", status == 201, answer.get("message"))
    for what, bytes_ in [("is silent", None), ("answers rubbish", b"yes"), ("answers another question", json.dumps({
            "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": {"uid": "x", "allowed": True}}).encode())]:
        impostor = Impostor(gate.port, bytes_)
        start = time.time()
        status, answer = create("Pod", pod(8), labels=DECLARED)
        claim(f"when something else is at its address that {what}, a covered pod is refused within 3 s", status == 500 and time.time() - start < 3, answer)
        impostor.close()
    gate.config("other")
    gate.start()
    status, answer = create("Pod", pod(8), labels=DECLARED)
    claim("a gate with a certificate of another authority is not believed, and the pod is refused", status == 500 and "certificate" in answer["message"], answer)
    gate.kill()
    gate.config("ours")
    os.remove(os.path.join(folder, "situation.json"))
    gate.start()
    answer = create("Pod", pod(8), labels=DECLARED)
    claim("a gate that is started anew without its node knows the phase", refused(answer, "PAUSED"), answer)
    gate.kill()
    # The other way round: what these settings are there for.
    install(gate, policy="Ignore")
    status, answer = create("Pod", pod(8), labels=DECLARED)
    claim("trap: under failurePolicy Ignore the same pod is admitted, so the manifest says Fail", status == 201, answer)
    install(gate)
    status, _ = create("Pod", pod(8), labels=DECLARED)
    api.call("DELETE", "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/standstill-gate")
    settle()
    after, _ = create("Pod", pod(8), labels=DECLARED)
    claim("trap: no webhook sees that the webhooks are taken away, so whoever may do that goes around the gate", (status, after) == (500, 201))


main()
