//! Sessions in a cache: Redis, or this process's memory.
