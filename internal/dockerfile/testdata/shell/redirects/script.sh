{ echo a; echo b; } >> /etc/passwd
echo 'app:x:1:1::/:/bin/sh' | tee -a /etc/passwd
cat <<'E' > /z
USER x
E
cat <<-E 2> /dev/null
	$X
	E
bash <<'E'
useradd inner
E
su app <<E
make
E
sh <<< 'useradd here'
exec > /log 2>&1
( a; b ) &> "$LOG"
cat < <(gen) > $(name)
X=$(chmod 1 /a) Y=2
export PATH=$PATH:/x Z="1 2" W
local v=$(getv)
declare -a arr=(1 2)
tr a b <<EOF
$(chmod 3 /c)
EOF
