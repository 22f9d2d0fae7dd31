"""The main job from end to end, over the real server: what `matcher demo` runs."""
