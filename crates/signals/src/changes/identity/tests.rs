#![allow(clippy::unwrap_used)]

use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB ada";

fn map(text: &str) -> Result<Identities, ChangesError> {
    Identities::with_map("ids.toml", text)
}

#[test]
fn tools_and_services_are_known() {
    let identities = Identities::builtin().unwrap();
    for (name, email, id) in [
        ("Claude", "noreply@anthropic.com", "tool:claude"),
        ("Claude Opus 4.5", "x@y.z", "tool:claude"),
        ("claude[bot]", "209825114+claude[bot]@users.noreply.github.com", "tool:claude"),
        ("copilot-swe-agent[bot]", "198982749+Copilot@users.noreply.github.com", "tool:copilot"),
        ("Paul Gauthier (aider)", "paul@x.org", "tool:aider"),
        ("Cursor Agent", "cursoragent@cursor.com", "tool:cursor"),
        ("GitHub", "noreply@github.com", "tool:forge"),
        ("dependabot[bot]", "49699333+dependabot[bot]@users.noreply.github.com", "tool:bot"),
        ("Claude Monet", "claude@monet.fr", "mail:claude@monet.fr"),
        ("Devin Booker", "devin@suns.com", "mail:devin@suns.com"),
        ("Ada", "12+Ada@users.noreply.github.com", "mail:ada@users.noreply.github.com"),
        ("Ada", "", "name:ada"),
    ] {
        assert_eq!(identities.resolve(name, email).id, id, "{name}");
    }
    assert!(identities.has_marker("x\n\n🤖 Generated with [Claude Code](https://claude.ai/code)"));
    assert!(!identities.has_marker("Generated with care") && identities.mentions_ai("as ChatGPT said"));
}

#[test]
fn a_map_joins_aliases_and_goes_first() {
    let text = format!(
        "version = 1\nsalt = \"s\"\n[[person]]\nid = \"ada\"\nnames = [\"Ada\", \"Claude\"]\nemails = [\"a@b.c\", \"A@home\"]\nlogins = [\"adal\"]\nkeys = [\"{KEY}\"]\n\
         [[person]]\nid = \"robot\"\nnature = \"ai\"\nemails = [\"r@b.c\"]\n"
    );
    let identities = map(&text).unwrap();
    for (name, email) in [("x", "a@b.c"), ("y", "a@HOME"), ("ada", "other@x"), ("Claude", "noreply@anthropic.com")] {
        assert_eq!(identities.resolve(name, email).id, "map:ada", "{name}");
    }
    assert_eq!(
        identities.resolve("Ada (aider)", "a@b.c").nature,
        Nature::Ai,
        "a mark in the name outweighs the address"
    );
    assert_eq!(identities.login("AdaL").id, "map:ada");
    assert_eq!(identities.resolve("Z", "r@b.c").nature, Nature::Ai);
    let blob = STANDARD.decode(KEY.split(' ').nth(1).unwrap()).unwrap();
    assert_eq!(identities.mapped_account("nobody", Some(&blob)).unwrap().id, "map:ada");
    assert_eq!(identities.mapped_account("ADAL", None).unwrap().id, "map:ada");
    assert!(identities.mapped_account("nobody", None).is_none());
    let ada = identities.resolve("x", "a@b.c");
    assert_eq!(identities.public_id(&ada).len(), 16);
    let unsalted = map(&text.replace("\"s\"", "\"\"")).unwrap();
    assert!(unsalted.public_id(&ada) != identities.public_id(&ada) && unsalted.hash() != identities.hash());
}

#[test]
fn files_of_keys_are_part_of_the_hash() {
    let text = "version = 1\n[[person]]\nid = \"ada\"\nkey-files = [\"ada.pub\"]\n";
    assert!(map(text).unwrap_err().to_string().contains("ada.pub"), "nothing here may read files");
    let with = |key: &str| Identities::with_files(BUILTIN, Some(("ids.toml", text)), &|_| Ok(key.to_owned())).unwrap();
    let (one, two) = (with(KEY), with(&KEY.replace("ada", "Ada")));
    assert!(one.hash() != two.hash());
}

#[test]
fn a_contradictory_map_is_refused() {
    for text in [
        "version = 2",
        "version = 1\nx = 1",
        "version = 1\n[[person]]\nid=\"a\"\n[[person]]\nid=\"a\"",
        "version = 1\n[[person]]\nid=\"a\"\nemails=[\"x@y\"]\n[[person]]\nid=\"b\"\nemails=[\"X@y\"]",
        "version = 1\n[[person]]\nid=\"a\"\nkeys=[\"ssh-rsa AAAA\"]",
        "version = 1\n[[person]]\nid=\"a\"\nkeys=[\"spki-sha256:00\"]",
        "version = 1\nissuers = [\"spki-sha256:zz\"]",
    ] {
        assert!(map(text).unwrap_err().to_string().starts_with("ids.toml"), "{text}");
    }
}

#[test]
fn one_key_has_one_owner() {
    let text = format!(
        "version = 1\n[[person]]\nid = \"a\"\nkeys = [\"{KEY}\"]\n[[person]]\nid = \"b\"\nkeys = [\"{KEY}\"]\n"
    );
    assert!(map(&text).unwrap_err().to_string().contains("two persons"));
}
