"""Rock-paper-scissors, the small game of RTFM (Zhong et al., ICLR 2020): which item beats the monster.

Own code and own sentences after the published description.
"""
