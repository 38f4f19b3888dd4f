"""Questions about houses: programs over a scene, the sentences that ask them, and the answers."""
