//! Sessions in files, one each.
