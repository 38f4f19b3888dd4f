"""Tasks in Montezuma's Revenge, on the Arcade Learning Environment (``groundling[atari]``)."""
