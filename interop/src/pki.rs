//! Certificates for one run: a root and one leaf that every server presents.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};

use crate::trouble::Attempt;

/// The names under which the servers can be reached.
const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// The files of a run, readable to every server.
pub(crate) struct Pki {
    /// The root, in PEM.
    pub(crate) root: PathBuf,
    /// The leaf, then the root.
    pub(crate) chain: PathBuf,
    /// The leaf's private key.
    pub(crate) key: PathBuf,
    /// Key and chain in one file, as Pure-FTPd wants it.
    pub(crate) key_and_chain: PathBuf,
}

impl Pki {
    /// Makes the certificates and writes them to `folder`.
    pub(crate) fn make(folder: &Path) -> Attempt<Self> {
        fs::create_dir(folder)?;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755))?;
        let root = CertifiedIssuer::self_signed(root_params(), KeyPair::generate()?)?;
        let key = KeyPair::generate()?;
        let root_pem = root.pem();
        let leaf = leaf_params()?.signed_by(&key, &root)?;
        let chain = leaf.pem() + &root_pem;
        let file = |name: &str, pem: &str| -> Attempt<PathBuf> {
            let path = folder.join(name);
            fs::write(&path, pem)?;
            // Readable to all: servers read their key as users of their own, and it is worth
            // nothing.
            fs::set_permissions(&path, fs::Permissions::from_mode(0o644))?;
            Ok(path)
        };
        Ok(Pki {
            root: file("root.pem", &root_pem)?,
            chain: file("chain.pem", &chain)?,
            key: file("key.pem", &key.serialize_pem())?,
            key_and_chain: file("key-and-chain.pem", &(key.serialize_pem() + &chain))?,
        })
    }
}

fn root_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.distinguished_name.push(DnType::CommonName, "streamtask interop root");
    params
}

fn leaf_params() -> Attempt<CertificateParams> {
    let mut params = CertificateParams::new(NAMES.map(String::from))?;
    params.distinguished_name.push(DnType::CommonName, "localhost");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    // Strict verifiers, Python's among them, want the issuer's key named.
    params.use_authority_key_identifier_extension = true;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    Ok(params)
}
