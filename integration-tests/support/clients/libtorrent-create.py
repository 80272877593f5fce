"""Makes a .torrent by libtorrent: CONTENT TORRENT TRACKER; prints its info hash."""
import os
import sys

import libtorrent as lt

content, torrent, tracker = sys.argv[1:4]
storage = lt.file_storage()
lt.add_files(storage, content)
maker = lt.create_torrent(storage, 0, lt.create_torrent.v1_only)
if tracker:
    maker.add_tracker(tracker)
lt.set_piece_hashes(maker, os.path.dirname(content))
with open(torrent, "wb") as file:
    file.write(lt.bencode(maker.generate()))
print(lt.torrent_info(torrent).info_hashes().v1)
