//! Sessions in the cookie itself, signed or sealed.
