//! The configuration file of a log: what is read, what is refused and with which words, and that a log runs from it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code outside #[test] functions")]

use standstill_agreement::{Agreement, RoleKind, Template};
use standstill_node::log::{Config, start};
use standstill_statement::{Hash32, Name, SigningKey};
use standstill_tlog::note::{KeyType, NoteSigner};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

fn log_signer(name: &str) -> NoteSigner {
    NoteSigner::from_seed(
        &format!("{name}.example/log"),
        KeyType::Ed25519,
        &Hash32::of(format!("log {name}").as_bytes()).0,
    )
    .unwrap()
}

fn witness(number: u8) -> NoteSigner {
    NoteSigner::from_seed(&format!("w{number}.example"), KeyType::CosignatureV1, &[number; 32]).unwrap()
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let holder = |text: &str| {
        let key = SigningKey::from_seed(Hash32::of(text.as_bytes()).0).public();
        (name(text), Some(log_signer(text).verifier().to_string()), Some(key))
    };
    let role = |kind, text: &str| {
        let (id, log, key) = holder(text);
        (kind, id, log, key)
    };
    let terms = Agreement::template(&Template {
        title: "Test".to_owned(),
        start_unix_seconds: 1_793_491_200,
        term_windows: 60,
        parties: vec![holder("north"), holder("south")],
        roles: vec![
            role(RoleKind::Auditor, "auditor"),
            role(RoleKind::Inspector, "inspector"),
            role(RoleKind::Adjudicator, "board"),
        ],
        witnesses: (1..=3).map(|n| (name(&format!("w{n}")), Some(witness(n).verifier().to_string()))).collect(),
    });
    fs::write(folder.path().join("agreement.toml"), terms).unwrap();
    write_key(folder.path(), &log_signer("north"));
    folder
}

fn write_key(folder: &Path, signer: &NoteSigner) {
    let path = folder.join("log.key");
    let _ = fs::remove_file(&path);
    fs::write(&path, signer.to_file_text().as_bytes()).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
}

const BASE: &str = "party = \"north\"\nagreement = \"agreement.toml\"\ndirectory = \"log\"\nlisten = \"127.0.0.1:0\"\nlog_key = \"log.key\"\n";

async fn refused(folder: &Path, text: &str) -> String {
    let path = folder.join("log.toml");
    fs::write(&path, text).unwrap();
    match Config::load(&path) {
        Err(error) => error.to_string(),
        Ok(config) => config.setup().await.unwrap_err().to_string(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_runs_from_its_file() {
    let folder = folder();
    let text = format!(
        "{BASE}\n[store]\nkind = \"files\"\nhead_directory = \"head\"\n\n[tuning]\ncheckpoint_milliseconds = 200\n\n\
         [[witness]]\nname = \"w1\"\nvkey = \"{}\"\nurl = \"http://127.0.0.1:9\"\n",
        witness(1).verifier()
    );
    let path = folder.path().join("log.toml");
    fs::write(&path, text).unwrap();
    let config = Config::load(&path).unwrap();
    let setup = config.setup().await.unwrap();
    assert_eq!((setup.witnesses.len(), setup.tuning.checkpoint_milliseconds), (1, 200));
    assert_eq!(setup.agreement, Agreement::parse(&fs::read_to_string(&config.agreement).unwrap()).unwrap().id());
    let log = start(setup).await.unwrap();
    assert!(folder.path().join("head/head.sqlite").exists());
    // A second process of the same configuration is kept out.
    assert!(config.setup().await.unwrap_err().to_string().contains("in use by another process"));
    log.stop().await.unwrap();
    // What is written is what is read.
    let again: Config = toml::from_str(&toml::to_string(&config).unwrap()).unwrap();
    assert_eq!(again, config);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_is_refused_with_the_place() {
    let folder = folder();
    let place = folder.path();
    assert!(refused(place, &format!("{BASE}colour = 1\n")).await.contains("colour"));
    assert!(refused(place, &format!("{BASE}[tuning]\nspeed = 1\n")).await.contains("speed"));
    assert!(refused(place, &BASE.replace("north", "west")).await.contains("does not name 'west'"));
    assert!(refused(place, &BASE.replace("agreement.toml", "none.toml")).await.contains("no such file"));
    let other = format!("{BASE}[[witness]]\nname = \"w9\"\nvkey = \"{}\"\nurl = \"http://x\"\n", witness(9).verifier());
    assert!(refused(place, &other).await.contains("would not count"));
    let url = format!("{BASE}[[witness]]\nname = \"w1\"\nvkey = \"{}\"\nurl = \"x\"\n", witness(1).verifier());
    assert!(refused(place, &url).await.contains("must start with http"));
    write_key(place, &log_signer("south"));
    assert!(refused(place, BASE).await.contains("give that key's file"));
    write_key(place, &log_signer("north"));
    fs::set_permissions(place.join("log.key"), fs::Permissions::from_mode(0o644)).unwrap();
    let message = refused(place, BASE).await;
    assert!(message.contains("chmod 600") && !message.contains("PRIVATE"), "{message}");
    #[cfg(not(feature = "postgres"))]
    {
        fs::set_permissions(place.join("log.key"), fs::Permissions::from_mode(0o600)).unwrap();
        let text = format!("{BASE}[store]\nkind = \"postgres\"\nconnection = \"host=/tmp\"\n");
        assert!(refused(place, &text).await.contains("--features postgres"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_key_is_made_once_and_kept_secret() {
    let folder = folder();
    let path = folder.path().join("log.toml");
    fs::write(&path, format!("{BASE}second_log_key = \"second.key\"\n")).unwrap();
    let config = Config::load(&path).unwrap();
    let key = async || config.setup().await.unwrap().second_signer.unwrap().verifier().clone();
    let first = key().await;
    assert_eq!((first.key_type(), first.name()), (KeyType::MlDsa44, "north.example/log"));
    assert_eq!(key().await, first);
    let file = folder.path().join("second.key");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    fs::write(&file, log_signer("north").to_file_text().as_bytes()).unwrap();
    assert!(config.setup().await.unwrap_err().to_string().contains("not an ML-DSA-44 key"));
}
