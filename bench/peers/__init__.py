"""Our circuit methods beside other libraries', on the same model, inputs and question: `python -m bench peers`.

A case is a folder that any library can read: weights, inputs and what is asked. One program runs our methods on it, one
each peer's, in an environment of the peer's own (`envs/peers/<name>.lock`). All say what they measured as JSON.
"""
