"""A site that has begun to move: its cart is served by Rust already."""
