#!/bin/sh
# Subsets Inter for embedding: subset.sh FOLDER_WITH_INTER_OTF   (needs `pip install fonttools`)
set -eu
# Latin with its extensions (Vietnamese, African languages), Greek, Cyrillic with its supplement,
# punctuation, super- and subscripts, letterlike, arrows, mathematical signs.
ranges="U+0020-007E,U+00A0-024F,U+02C6-02DD,U+0370-03FF,U+0400-052F,U+1E00-1EFF"
ranges="$ranges,U+2010-2027,U+2030-205E,U+2070-209C,U+20A0-20BF,U+2100-214F,U+2190-2199"
ranges="$ranges,U+2200-22FF,U+25A0,U+25CF,U+FFFD"
for weight in Regular SemiBold; do
    pyftsubset "$1/Inter-$weight.otf" --unicodes="$ranges" --layout-features='' --no-hinting \
        --desubroutinize --name-IDs='*' --output-file="$(dirname "$0")/Inter-$weight.otf"
done
