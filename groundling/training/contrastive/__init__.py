"""Videos and sentences in one space: clips of episodes, the encoder of both, and the loss that it is trained with."""
