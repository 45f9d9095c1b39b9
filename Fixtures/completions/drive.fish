# Prints what fish completes at the end of each line that it reads: the line behind '== ', then a match a line.
#   drive.fish <LINES
while read --local line
    echo "== $line"
    complete --do-complete "$line" | string replace --regex '\t.*' ''
end
