# A serial line cannot tell its size: COLUMNS and LINES on the kernel's command line do. `resize` asks the
# terminal later.
if [ -t 0 ] && [ "$(stty size 2>/dev/null)" = '0 0' ]; then
	console_columns=80 console_lines=24
	for word in $(cat /proc/cmdline); do
		case $word in
		COLUMNS=*) console_columns=${word#COLUMNS=} ;;
		LINES=*) console_lines=${word#LINES=} ;;
		esac
	done
	stty cols "$console_columns" rows "$console_lines" 2>/dev/null
	unset console_columns console_lines word
fi
