#![cfg_attr(any(not(doctest), feature = "redis"), doc = include_str!("../README.md"))]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "memory")]
pub mod memory;
#[cfg(any(feature = "memory", feature = "redis"))]
mod page;
#[cfg(feature = "redis")]
pub mod redis;
