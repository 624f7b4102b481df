"""Which programs are worth executing: near-duplicates found over any number of them, and benchmark problems kept out.

signature.py   a program as a set of hashed token runs, and as bands of a MinHash signature
pairs.py       rows whose bands collide, verified by the Jaccard similarity of their sets
keep.py        from pairs to the first of each group, in the order of the rows
index.py       the same for programs that fit in memory and come one by one
workers.py     the four stages
"""
