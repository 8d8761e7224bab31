//! An S3-compatible object store, with conditional writes and no database.
//!
//! ```text
//! <prefix>/head                  last signed checkpoint: signing time, newline, note; replaced with If-Match only
//! <prefix>/staged/<first>        a batch that was acknowledged; created with If-None-Match only
//! <prefix>/tile/...  checkpoint  uncosigned-checkpoint  checkpoints/<size>  blob/<sha256>     as on disk
//! ```
//! Order: stage a batch, write tiles, swap the head, remove staged batches. There is no lock. Two writers at once are kept apart so: the
//! second to stage at an index finds the object there; and one that is so late that the object is removed again finds, in the look at the
//! head that follows every staging and precedes every acknowledgement, that the head is no longer its own.

use super::{Later, Recovered, Store, StoreError, StoredHead};
use futures_util::{StreamExt as _, TryStreamExt as _};
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path as Key;
use object_store::{
    Error, GetOptions, GetRange, ObjectStore as _, ObjectStoreExt as _, PutMode, PutOptions, PutPayload, UpdateVersion,
    WriteMultipart,
};
use standstill_statement::Hash32;
use standstill_tlog::tile::encode_bundle;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// Objects written at the same time.
const PARALLEL: usize = 16;

/// Where the objects are.
#[derive(Clone, PartialEq, Eq)]
pub struct ObjectLogOptions {
    /// Bucket.
    pub bucket: String,
    /// Folder inside it, without slashes at its ends; empty for none.
    pub prefix: String,
    /// Address of the service, when it is not Amazon's.
    pub endpoint: Option<String>,
    /// Region.
    pub region: Option<String>,
    /// Access key and secret, when they are not in the usual environment variables.
    pub keys: Option<(String, String)>,
}

/// A log in an object store.
#[derive(Debug)]
pub struct ObjectLog {
    store: AmazonS3,
    prefix: String,
    place: String,
    /// Version of the head object that this writer put or read last.
    head: Mutex<Option<UpdateVersion>>,
}

impl ObjectLog {
    /// Connects; nothing is read yet.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when the options cannot be right.
    pub fn open(options: &ObjectLogOptions) -> Result<Self, StoreError> {
        crate::tls::prepare();
        let mut builder = AmazonS3Builder::from_env().with_bucket_name(&options.bucket);
        if let Some(region) = &options.region {
            builder = builder.with_region(region);
        }
        if let Some(endpoint) = &options.endpoint {
            builder = builder.with_endpoint(endpoint).with_allow_http(endpoint.starts_with("http://"));
        }
        if let Some((id, secret)) = &options.keys {
            builder = builder.with_access_key_id(id).with_secret_access_key(secret);
        }
        let place = format!("s3://{}/{}", options.bucket, options.prefix);
        let store = builder.build();
        let store = store.map_err(|error| StoreError::Damaged { place: place.clone(), problem: error.to_string() })?;
        Ok(Self { store, prefix: options.prefix.trim_matches('/').to_owned(), place, head: Mutex::new(None) })
    }

    fn key(&self, name: &str) -> Key {
        if self.prefix.is_empty() { Key::from(name) } else { Key::from(format!("{}/{name}", self.prefix)) }
    }

    fn at(&self, name: &str) -> String {
        format!("{}/{name}", self.place)
    }

    fn unchanged(&self, action: &'static str, name: &str, error: &Error) -> StoreError {
        StoreError::Unchanged { action, place: self.at(name), problem: error.to_string() }
    }

    fn own_head(&self) -> Option<UpdateVersion> {
        self.head.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_head(&self, version: Option<UpdateVersion>) {
        *self.head.lock().unwrap_or_else(PoisonError::into_inner) = version;
    }

    /// Bytes and version of an object.
    async fn get(&self, name: &str) -> Result<Option<(Vec<u8>, UpdateVersion)>, Error> {
        match self.store.get(&self.key(name)).await {
            Ok(found) => {
                let version = UpdateVersion { e_tag: found.meta.e_tag.clone(), version: found.meta.version.clone() };
                Ok(Some((found.bytes().await?.to_vec(), version)))
            }
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Creates an object, or finds it there with the same bytes.
    async fn create(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        let put = self.store.put_opts(&self.key(name), PutPayload::from(bytes.to_vec()), options).await;
        let Err(error) = put else { return Ok(()) };
        // Refused, or nobody knows: what is there decides.
        match self.get(name).await {
            Ok(Some((present, _))) if present == bytes => Ok(()),
            Ok(Some(_)) => Err(StoreError::SecondWriter { place: self.at(name) }),
            Ok(None) => Err(self.unchanged("create", name, &error)),
            Err(_) => Err(StoreError::Unknown { action: "create", place: self.at(name), problem: error.to_string() }),
        }
    }

    /// Whether the head object is the one that this writer knows.
    async fn check_head(&self) -> Result<(), StoreError> {
        let found = match self.store.head(&self.key("head")).await {
            Ok(meta) => meta.e_tag,
            Err(Error::NotFound { .. }) => None,
            Err(error) => {
                let (action, place) = ("look at the head after staging", self.at("head"));
                return Err(StoreError::Unknown { action, place, problem: error.to_string() });
            }
        };
        if found == self.own_head().and_then(|head| head.e_tag) {
            Ok(())
        } else {
            Err(StoreError::SecondWriter { place: self.at("head") })
        }
    }

    async fn swap(&self, expected: Option<&StoredHead>, next: &StoredHead) -> Result<(), StoreError> {
        let mode = match (expected, self.own_head()) {
            (None, None) => PutMode::Create,
            (Some(_), Some(version)) => PutMode::Update(version),
            _ => return Err(StoreError::SecondWriter { place: self.at("head") }),
        };
        let bytes = encode_head(next);
        let options = PutOptions { mode, ..PutOptions::default() };
        let put = self.store.put_opts(&self.key("head"), PutPayload::from(bytes.clone()), options).await;
        let error = match put {
            Ok(put) => {
                self.set_head(Some(UpdateVersion { e_tag: put.e_tag, version: put.version }));
                return Ok(());
            }
            Err(error) => error,
        };
        match self.get("head").await {
            // Our own write, whose answer was lost.
            Ok(Some((present, version))) if present == bytes => {
                self.set_head(Some(version));
                Ok(())
            }
            Ok(present) if present.as_ref().map(|(_, version)| version) == self.own_head().as_ref() => {
                Err(self.unchanged("replace the last signed checkpoint", "head", &error))
            }
            Ok(_) => Err(StoreError::SecondWriter { place: self.at("head") }),
            Err(_) => Err(StoreError::Unknown {
                action: "replace the last signed checkpoint",
                place: self.at("head"),
                problem: error.to_string(),
            }),
        }
    }

    /// Names of the staged objects, by their first index.
    async fn staged(&self) -> Result<Vec<u64>, StoreError> {
        let listed = self.store.list(Some(&self.key("staged"))).map_ok(|meta| meta.location).try_collect::<Vec<_>>();
        let listed = listed.await.map_err(|error| self.unchanged("list", "staged", &error))?;
        let mut firsts: Vec<u64> = listed.iter().filter_map(|key| key.filename()?.parse().ok()).collect();
        firsts.sort_unstable();
        Ok(firsts)
    }

    async fn read_back(&self) -> Result<Recovered, StoreError> {
        let head = self.get("head").await.map_err(|error| self.unchanged("read", "head", &error))?;
        self.set_head(head.as_ref().map(|(_, version)| version.clone()));
        let head = head.map(|(bytes, _)| decode_head(&bytes).ok_or_else(|| self.damaged("head"))).transpose()?;
        let (mut base, mut staged) = (None, Vec::new());
        for first in self.staged().await? {
            let name = staged_name(first);
            let bytes = self.get(&name).await.map_err(|error| self.unchanged("read", &name, &error))?;
            let entries = bytes.and_then(|(bytes, _)| decode_batch(&bytes)).ok_or_else(|| self.damaged(&name))?;
            if *base.get_or_insert(first) + staged.len() as u64 != first {
                return Err(self.damaged(&name));
            }
            staged.extend(entries);
        }
        let base = match (base, &head) {
            (Some(base), _) => base,
            (None, Some(head)) => super::size_of(head)?,
            (None, None) => 0,
        };
        Ok(Recovered { head, base, staged })
    }

    fn damaged(&self, name: &str) -> StoreError {
        let problem = "it is not what this program writes there, or one before it is missing; restore it, or freeze this log and start a successor under a new key";
        StoreError::Damaged { place: self.at(name), problem: problem.to_owned() }
    }

    async fn drop_staged(&self, size: u64) -> Result<(), StoreError> {
        let firsts = self.staged().await?;
        // One after the other from the lowest, so that what is left has no gap whenever this ends.
        for (place, first) in firsts.iter().enumerate() {
            let end = firsts.get(place + 1).copied().unwrap_or(size);
            if *first >= size || end > size {
                break;
            }
            let name = staged_name(*first);
            match self.store.delete(&self.key(&name)).await {
                Ok(()) | Err(Error::NotFound { .. }) => {}
                Err(error) => return Err(self.unchanged("remove", &name, &error)),
            }
        }
        Ok(())
    }

    async fn upload(&self, name: &str, path: &Path) -> Result<(), StoreError> {
        let failed = |problem: String| StoreError::Unchanged { action: "upload", place: self.at(name), problem };
        let mut file = tokio::fs::File::open(path).await.map_err(|error| failed(error.to_string()))?;
        let upload = self.store.put_multipart(&self.key(name)).await.map_err(|error| failed(error.to_string()))?;
        let mut writer = WriteMultipart::new(upload);
        let mut part = vec![0; 1 << 20];
        loop {
            let read = tokio::io::AsyncReadExt::read(&mut file, &mut part).await;
            let read = read.map_err(|error| failed(error.to_string()))?;
            if read == 0 {
                break;
            }
            writer.wait_for_capacity(4).await.map_err(|error| failed(error.to_string()))?;
            writer.write(&part[..read]);
        }
        writer.finish().await.map(drop).map_err(|error| failed(error.to_string()))
    }
}

impl Store for ObjectLog {
    fn describe(&self) -> String {
        format!("object store {}", self.place)
    }

    fn recover(&self) -> Later<'_, Recovered> {
        Box::pin(self.read_back())
    }

    fn stage<'a>(&'a self, first: u64, entries: &'a [Vec<u8>]) -> Later<'a, ()> {
        Box::pin(async move {
            self.create(&staged_name(first), &encode_batch(entries)?).await?;
            self.check_head().await
        })
    }

    fn swap_head<'a>(&'a self, expected: Option<&'a StoredHead>, next: &'a StoredHead) -> Later<'a, ()> {
        Box::pin(self.swap(expected, next))
    }

    fn write_tiles(&self, tiles: Vec<(String, Vec<u8>)>) -> Later<'_, ()> {
        Box::pin(async move {
            let writes = tiles.into_iter().map(async |(name, bytes)| self.create(&name, &bytes).await);
            futures_util::stream::iter(writes).buffer_unordered(PARALLEL).try_collect::<Vec<()>>().await.map(drop)
        })
    }

    fn trim(&self, size: u64) -> Later<'_, ()> {
        Box::pin(self.drop_staged(size))
    }

    fn publish<'a>(&'a self, name: &'a str, bytes: &'a [u8]) -> Later<'a, ()> {
        Box::pin(async move {
            let put = self.store.put(&self.key(name), PutPayload::from(bytes.to_vec())).await;
            put.map(drop).map_err(|error| self.unchanged("write", name, &error))
        })
    }

    fn read<'a>(&'a self, name: &'a str) -> Later<'a, Option<Vec<u8>>> {
        Box::pin(async move {
            let found = self.get(name).await.map_err(|error| self.unchanged("read", name, &error))?;
            Ok(found.map(|(bytes, _)| bytes))
        })
    }

    fn blob_length(&self, sha256: Hash32) -> Later<'_, Option<u64>> {
        Box::pin(async move {
            let name = format!("blob/{sha256}");
            match self.store.head(&self.key(&name)).await {
                Ok(meta) => Ok(Some(meta.size)),
                Err(Error::NotFound { .. }) => Ok(None),
                Err(error) => Err(self.unchanged("look at", &name, &error)),
            }
        })
    }

    fn put_blob<'a>(&'a self, sha256: Hash32, upload: &'a Path) -> Later<'a, ()> {
        Box::pin(async move { self.upload(&format!("blob/{sha256}"), upload).await })
    }

    fn read_blob(&self, sha256: Hash32, offset: u64, length: u64) -> Later<'_, Vec<u8>> {
        Box::pin(async move {
            let name = format!("blob/{sha256}");
            let range = Some(GetRange::Bounded(offset..offset + length));
            let options = GetOptions { range, ..GetOptions::default() };
            let read = async { self.store.get_opts(&self.key(&name), options).await?.bytes().await };
            Ok(read.await.map_err(|error| self.unchanged("read", &name, &error))?.to_vec())
        })
    }
}

fn staged_name(first: u64) -> String {
    format!("staged/{first:020}")
}

fn encode_head(head: &StoredHead) -> Vec<u8> {
    [format!("{}\n", head.signed_unix_seconds).as_bytes(), &head.checkpoint].concat()
}

fn decode_head(bytes: &[u8]) -> Option<StoredHead> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let signed_unix_seconds = std::str::from_utf8(&bytes[..end]).ok()?.parse().ok()?;
    Some(StoredHead { checkpoint: bytes[end + 1..].to_vec(), signed_unix_seconds })
}

/// A staged batch: u32 number of entries, then the entries as in a bundle.
fn encode_batch(entries: &[Vec<u8>]) -> Result<Vec<u8>, StoreError> {
    let count = u32::try_from(entries.len()).unwrap_or(u32::MAX);
    Ok([&count.to_be_bytes()[..], &encode_bundle(entries)?].concat())
}

fn decode_batch(bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    let (count, rest) = bytes.split_first_chunk::<4>()?;
    super::split_entries(rest, u64::from(u32::from_be_bytes(*count)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn batches_round_trip_and_any_bytes_never_panic(
            entries in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..600),
            noise in prop::collection::vec(any::<u8>(), 0..100),
        ) {
            prop_assert_eq!(decode_batch(&encode_batch(&entries).unwrap()).unwrap(), entries);
            let _ = (decode_batch(&noise), decode_head(&noise));
        }
    }
}
