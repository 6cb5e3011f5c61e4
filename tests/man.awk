# The manual page smtp.h(3), made from smtp.h: the comment at its top, then
# each room of declarations under its own heading, as it stands.
#
#   awk -f tests/man.awk smtp.h

# A paragraph is given out when its end is known: an empty line, a heading, or
# a change between prose and code.
function put(text, is_code) {
    if (is_code != in_code)
        flush_paragraph()
    in_code = is_code
    gsub(/\\/, "\\e", text)
    gsub(/-/, "\\-", text)
    paragraph = paragraph (text ~ /^[.']/ ? "\\&" : "") text "\n"
}
function flush_paragraph() {
    if (paragraph == "")
        return
    if (!after_heading)
        print ".PP"
    printf "%s", in_code ? ".nf\n" paragraph ".fi\n" : paragraph
    paragraph = ""
    after_heading = 0
}
function heading(title) {
    flush_paragraph()
    print ".SH \"" toupper(title) "\""
    after_heading = 1
}

NR == 1 {
    sub(/^\/\* /, "")
    split($0, title, / - /)
    print ".TH SMTP.H 3 \"\" \"" title[1] " " title[2] "\""
    heading("name")
    print title[1] " \\- " title[3]
    heading("synopsis")
    put("#include <" title[1] ">", 1)
    heading("description")
    part = "manual"
    next
}
/^#endif \/\* SMTP_H \*\// { exit }
/^#ifdef __cplusplus/, /^#endif/ { next }

# A room begins with its name between dashes and ends where the next does.
/^\/\* ---- .* -+ \*\/$/ {
    gsub(/^\/\* -+ | -+ \*\/$/, "")
    heading($0)
    part = "room"
    next
}
$0 == "" { flush_paragraph(); next }
part == "room" { put($0, 1); next }

# In the manual a line of capitals is a heading, a line set in by 6 is code; a
# table has names on the left, and what is set in by 20 goes on with a row.
part == "manual" && /^\*\// { part = "" }
part == "manual" && /^[A-Z][A-Z ,]*$/ { heading($0); next }
part == "manual" && /^   SMTP_/ { in_table = 1; put($0, 1); next }
part == "manual" && in_table && /^                    / { put($0, 1); next }
{ in_table = 0 }
part == "manual" && /^      / { put(substr($0, 3), 1); next }
part == "manual" { sub(/^ +/, ""); put($0, 0) }

END {
    heading("see also")
    print "RFC 5321, RFC 2920, RFC 3030, RFC 3207, RFC 4954"
}
