"""Makes a .torrent by libtorrent: CONTENT TORRENT TRACKER PIECE_LENGTH (0: its own choice); prints its info hash."""
import os
import sys

import libtorrent as lt

content, torrent, tracker, piece_length = sys.argv[1:5]
storage = lt.file_storage()
lt.add_files(storage, content)
maker = lt.create_torrent(storage, int(piece_length), lt.create_torrent.v1_only)
if tracker:
    maker.add_tracker(tracker)
lt.set_piece_hashes(maker, os.path.dirname(content))
with open(torrent, "wb") as file:
    file.write(lt.bencode(maker.generate()))
print(lt.torrent_info(torrent).info_hashes().v1)
