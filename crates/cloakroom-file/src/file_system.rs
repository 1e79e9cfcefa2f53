//! Which file systems are not to be trusted with locks and renames.

use std::os::fd::OwnedFd;

/// From statfs(2), and from the sources of those that it does not name.
#[cfg(target_os = "linux")]
const SHARED: [u32; 17] = [
    0x6969,      // NFS
    0x517b,      // SMB
    0xff53_4d42, // CIFS
    0xfe53_4d42, // SMB 2
    0x564c,      // NCP
    0x7375_7245, // Coda
    0x5346_414f, // AFS
    0x6b41_4653, // AFS, the kernel's own
    0x00c3_6400, // Ceph
    0x0102_1997, // 9P
    0x6573_5546, // FUSE: sshfs, s3fs, GlusterFS; nobody can tell which
    0x0116_1970, // GFS2
    0x7461_636f, // OCFS2
    0x0bd0_0bd0, // Lustre
    0x4750_4653, // GPFS
    0x1983_0326, // BeeGFS
    0x786f_4256, // a folder that VirtualBox shares
];

/// Whether other hosts, or a program of its own, may keep the file system that a folder is on.
#[cfg(target_os = "linux")]
pub(crate) fn is_shared(folder: &OwnedFd) -> bool {
    #[allow(
        clippy::allow_attributes,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "each platform has its own type; the number has 32 bits"
    )]
    rustix::fs::fstatfs(folder).is_ok_and(|system| SHARED.contains(&(system.f_type as u32)))
}

/// Elsewhere file systems have no numbers.
#[cfg(not(target_os = "linux"))]
pub(crate) fn is_shared(_: &OwnedFd) -> bool {
    false
}
