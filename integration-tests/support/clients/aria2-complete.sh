#!/bin/sh
# aria2 says nothing itself when it is complete and seeds on.
echo "complete"
