def checkpoint_soon(): pass
