//! Keys and signatures made by the programs that people sign with, each in a folder of its own.
#![allow(dead_code, clippy::unwrap_used, clippy::panic, missing_docs)]

use crate::changes_fixture::Repo;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// Whether a program is here; says so when it is not.
pub(crate) fn has(program: &str) -> bool {
    let flag = if program == "openssl" { "version" } else { "--help" };
    let found = Command::new(program).arg(flag).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !found {
        println!("skipped: no {program} on this machine");
    }
    found
}

fn output(command: &mut Command, input: &[u8]) -> Vec<u8> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let out = child.wait_with_output().unwrap();
    assert!(out.status.success(), "{command:?}: {}", String::from_utf8_lossy(&out.stderr));
    out.stdout
}

/// A key in the map's form.
pub(crate) fn quoted(key: &str) -> String {
    format!("\"\"\"\n{}\n\"\"\"", key.trim())
}

/// A map with Ada and her keys, quoted already.
pub(crate) fn map_of(keys: &str) -> String {
    let ada = "id = \"ada\"\nemails = [\"ada@example.org\"]\nlogins = [\"adal\"]";
    format!("version = 1\n[[person]]\n{ada}\nkeys = [{keys}]\n")
}

/// Gives the head a signature made from what is signed, in place of its own.
pub(crate) fn resign(repo: &Repo, sign: impl Fn(&[u8]) -> String) {
    let object = output(Command::new("git").args(["cat-file", "commit", "HEAD"]).current_dir(repo.path()), b"");
    let text = String::from_utf8(object).unwrap();
    let (header, message) = text.split_once("\n\n").unwrap();
    let mut kept: Vec<&str> = Vec::new();
    for line in header.lines() {
        if !line.starts_with(' ') && !line.starts_with("gpgsig ") {
            kept.push(line);
        }
    }
    let signed = format!("{}\n\n{message}", kept.join("\n"));
    let armour = sign(signed.as_bytes()).trim_end().replace('\n', "\n ");
    let object = format!("{}\ngpgsig {armour}\n\n{message}", kept.join("\n"));
    let make = ["hash-object", "-t", "commit", "-w", "--stdin"];
    let id = output(Command::new("git").args(make).current_dir(repo.path()), object.as_bytes());
    repo.git(&["update-ref", "HEAD", String::from_utf8(id).unwrap().trim()]);
}

/// An armour with bytes replaced inside.
pub(crate) fn patched(armour: &str, from: &[u8], to: &[u8]) -> String {
    let (first, rest) = armour.trim().split_once('\n').unwrap();
    let (body, last) = rest.rsplit_once('\n').unwrap();
    let mut bytes = STANDARD.decode(body.replace('\n', "")).unwrap();
    // The last place: certificates with times of their own come before the signer.
    let at = bytes.windows(from.len()).rposition(|window| window == from).unwrap();
    bytes[at..at + to.len()].copy_from_slice(to);
    format!("{first}\n{}\n{last}", STANDARD.encode(bytes))
}

/// A certificate with its bytes changed, and no checksum.
pub(crate) fn edited(certificate: &str, edit: impl FnOnce(&mut [u8])) -> String {
    let text = certificate.trim_matches(|c: char| c == '"' || c.is_whitespace());
    let (first, rest) = text.split_once("\n\n").unwrap();
    let (body, last) = rest.rsplit_once("\n-----END").unwrap();
    let body: String = body.lines().filter(|line| !line.starts_with('=')).collect();
    let mut bytes = STANDARD.decode(body).unwrap();
    edit(&mut bytes);
    quoted(&format!("{first}\n\n{}\n-----END{last}", STANDARD.encode(bytes)))
}

/// A certificate whose embedded signature by the subkey is broken; it stands in the part of the binding that has no hash.
pub(crate) fn without_back(certificate: &str) -> String {
    edited(certificate, |bytes| {
        let at = bytes.windows(3).rposition(|window| window == [32, 4, 0x19]).unwrap();
        bytes[at + 12] ^= 1;
    })
}

pub(crate) struct SshKeys(tempfile::TempDir);

impl SshKeys {
    pub(crate) fn new() -> Option<Self> {
        has("ssh-keygen").then(|| Self(tempfile::tempdir().unwrap()))
    }

    /// Path of the secret key, and the line of the public one.
    pub(crate) fn make(&self, kind: &str, bits: &str) -> (String, String) {
        let path = self.0.path().join(format!("{kind}-{bits}-{}", count(self.0.path())));
        let path = path.to_str().unwrap().to_owned();
        output(
            Command::new("ssh-keygen").args(["-q", "-t", kind, "-b", bits, "-N", "", "-C", "ada", "-f", &path]),
            b"",
        );
        let public = std::fs::read_to_string(format!("{path}.pub")).unwrap();
        (path, public)
    }

    /// A detached signature, as gittuf has ssh-keygen make it.
    pub(crate) fn sign(path: &str, message: &[u8]) -> Vec<u8> {
        output(Command::new("ssh-keygen").args(["-Y", "sign", "-n", "git", "-f", path]), message)
    }
}

fn count(folder: &Path) -> usize {
    std::fs::read_dir(folder).unwrap().count()
}

/// gpg with a home of its own.
pub(crate) struct Gpg(tempfile::TempDir);

impl Drop for Gpg {
    fn drop(&mut self) {
        let _ = Command::new("gpgconf").args(["--kill", "all"]).env("GNUPGHOME", self.0.path()).status();
    }
}

impl Gpg {
    pub(crate) fn new() -> Option<Self> {
        if !has("gpg") {
            return None;
        }
        let home = tempfile::tempdir().unwrap();
        #[cfg(unix)]
        std::fs::set_permissions(home.path(), std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
        let gpg = Self(home);
        gpg.at(None);
        gpg.extra("");
        Some(gpg)
    }

    /// The time that gpg is told; none for the clock's.
    pub(crate) fn at(&self, time: Option<&str>) {
        let text = time.map_or_else(String::new, |time| format!("--faked-system-time {time}!"));
        std::fs::write(self.0.path().join("at"), text).unwrap();
    }

    /// More arguments for signing.
    pub(crate) fn extra(&self, arguments: &str) {
        std::fs::write(self.0.path().join("extra"), arguments).unwrap();
        let home = self.0.path().display();
        let script = format!(
            "#!/bin/sh\nexec env GNUPGHOME={home} gpg --batch --no-tty $(cat {home}/at) $(cat {home}/extra) \"$@\"\n"
        );
        let path = self.0.path().join("gpg");
        std::fs::write(&path, script).unwrap();
        #[cfg(unix)]
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(self.0.path().join("gpg"));
        let out =
            output(command.args(["--pinentry-mode", "loopback", "--passphrase", "", "--yes"]).args(arguments), b"");
        String::from_utf8_lossy(&out).into_owned()
    }

    /// Makes a key; gives its fingerprint.
    pub(crate) fn generate(&self, kind: &str, uses: &str, expiry: &str, time: Option<&str>) -> String {
        self.at(time);
        let before = self.prints();
        let name = format!("Ada {} <ada@example.org>", before.len());
        self.run(&["--quick-generate-key", &name, kind, uses, expiry]);
        self.prints().into_iter().find(|print| !before.contains(print)).unwrap()
    }

    /// Fingerprints of primary keys.
    fn prints(&self) -> Vec<String> {
        let listing = self.run(&["--with-colons", "--list-keys"]);
        let mut out = Vec::new();
        let mut is_primary = false;
        for line in listing.lines() {
            let fields: Vec<&str> = line.split(':').collect();
            match fields[0] {
                "pub" => is_primary = true,
                "fpr" if is_primary => {
                    out.push(fields[9].to_owned());
                    is_primary = false;
                }
                _ => {}
            }
        }
        out
    }

    pub(crate) fn configure(&self, repo: &Repo, print: &str) {
        repo.git(&["config", "gpg.program", self.0.path().join("gpg").to_str().unwrap()]);
        repo.git(&["config", "user.signingkey", print]);
    }

    /// The certificate in the map's form.
    pub(crate) fn certificate(&self, print: &str) -> String {
        quoted(&self.run(&["--armor", "--export", print]))
    }

    /// A detached signature, as git has gpg make it.
    pub(crate) fn detached(&self, print: &str, message: &[u8]) -> Vec<u8> {
        output(Command::new(self.0.path().join("gpg")).args(["-bsau", print]), message)
    }

    /// Imports the revocation that gpg made with the key; it names no reason.
    pub(crate) fn revoke(&self, print: &str) {
        let path = self.0.path().join("openpgp-revocs.d").join(format!("{print}.rev"));
        let text = std::fs::read_to_string(&path).unwrap().replace("\n:-----", "\n-----");
        let file = self.0.path().join("rev");
        std::fs::write(&file, text).unwrap();
        self.run(&["--import", file.to_str().unwrap()]);
    }
}

/// A certificate authority by openssl.
pub(crate) struct Authority(tempfile::TempDir, &'static str);

impl Authority {
    pub(crate) fn new(kind: &'static str) -> Option<Self> {
        if !has("openssl") {
            return None;
        }
        let out = Self(tempfile::tempdir().unwrap(), kind);
        out.key("ca");
        out.openssl(
            &["req", "-x509", "-new", "-key", "ca.key", "-out", "ca.pem", "-subj", "/CN=Issuer", "-days", "90"],
            b"",
        );
        Some(out)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("openssl");
        command.args(arguments).current_dir(self.0.path());
        command
    }

    fn openssl(&self, arguments: &[&str], input: &[u8]) -> Vec<u8> {
        output(&mut self.command(arguments), input)
    }

    fn key(&self, name: &str) {
        let file = format!("{name}.key");
        let kind: &[&str] = match self.1 {
            "rsa" => &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
            "p384" => &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
            _ => &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
        };
        self.openssl(&[&["genpkey", "-out", &file], kind].concat(), b"");
    }

    /// Makes a certificate for some days; its name.
    pub(crate) fn leaf(&self, name: &str, alternative: &str, uses: &str, days: &str) -> String {
        self.leaf_by("ca", name, alternative, uses, days)
    }

    /// The same, issued by another than the authority itself.
    pub(crate) fn leaf_by(&self, issuer: &str, name: &str, alternative: &str, uses: &str, days: &str) -> String {
        let (issuer, issuer_key) = (format!("{issuer}.pem"), format!("{issuer}.key"));
        self.key(name);
        let (key, request, file) = (format!("{name}.key"), format!("{name}.csr"), format!("{name}.pem"));
        let subject = format!("/CN={name}");
        self.openssl(&["req", "-new", "-key", &key, "-out", &request, "-subj", &subject], b"");
        std::fs::write(self.0.path().join("ext"), format!("subjectAltName={alternative}\nextendedKeyUsage={uses}\n"))
            .unwrap();
        let plain =
            ["x509", "-req", "-in", &request, "-CA", &issuer, "-CAkey", &issuer_key, "-CAcreateserial", "-out", &file];
        self.openssl(&[plain.as_slice(), &["-days", days, "-extfile", "ext"]].concat(), b"");
        name.to_owned()
    }

    /// The certificate in the map's form.
    pub(crate) fn pem(&self, name: &str) -> String {
        quoted(&String::from_utf8(self.openssl(&["x509", "-in", &format!("{name}.pem")], b"")).unwrap())
    }

    /// The pin of its key.
    pub(crate) fn pin(&self, name: &str) -> String {
        let pem = self.openssl(&["x509", "-in", &format!("{name}.pem"), "-pubkey", "-noout"], b"");
        let der = self.openssl(&["pkey", "-pubin", "-outform", "DER"], &pem);
        format!("spki-sha256:{}", hex::encode(<sha2::Sha256 as sha2::Digest>::digest(der)))
    }

    /// A detached signature over some bytes.
    pub(crate) fn sign(&self, name: &str, message: &[u8], more: &[&str]) -> String {
        let (key, certificate) = (format!("{name}.key"), format!("{name}.pem"));
        let plain = [
            "cms",
            "-sign",
            "-binary",
            "-signer",
            &certificate,
            "-inkey",
            &key,
            "-certfile",
            "ca.pem",
            "-outform",
            "PEM",
        ];
        let out = self.openssl(&[plain.as_slice(), more].concat(), message);
        String::from_utf8(out).unwrap().replace("CMS-----", "SIGNED MESSAGE-----")
    }

    /// The same by gpgsm, which writes BER with indefinite lengths. Needs a leaf with an address.
    pub(crate) fn sign_with_gpgsm(&self, name: &str, message: &[u8]) -> String {
        let home = tempfile::tempdir().unwrap();
        #[cfg(unix)]
        std::fs::set_permissions(home.path(), std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
        let print = self.openssl(&["x509", "-in", "ca.pem", "-noout", "-fingerprint", "-sha1"], b"");
        let print = String::from_utf8(print).unwrap().trim().split('=').nth(1).unwrap().to_owned();
        std::fs::write(home.path().join("trustlist.txt"), format!("{print} S relax\n")).unwrap();
        std::fs::write(home.path().join("message"), message).unwrap();
        let bundle = home.path().join("bundle");
        let (file, certificate, key) = (bundle.to_str().unwrap(), format!("{name}.pem"), format!("{name}.key"));
        let parts = ["-in", &certificate, "-inkey", &key, "-certfile", "ca.pem", "-out", file, "-passout", "pass:x"];
        self.openssl(&[["pkcs12", "-export", "-legacy"].as_slice(), &parts].concat(), b"");
        let gpgsm = |arguments: &[&str]| {
            let plain = ["--batch", "--pinentry-mode", "loopback", "--passphrase-fd", "0", "--disable-crl-checks"];
            let mut command = Command::new("gpgsm");
            output(command.args(plain).args(arguments).current_dir(home.path()).env("GNUPGHOME", home.path()), b"x\n")
        };
        gpgsm(&["--import", "bundle"]);
        let armour = gpgsm(&["--armor", "--detach-sign", "-u", "ada@example.org", "message"]);
        let _ = Command::new("gpgconf").args(["--kill", "all"]).env("GNUPGHOME", home.path()).status();
        String::from_utf8(armour).unwrap()
    }
}
