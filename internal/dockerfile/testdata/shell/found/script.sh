find .next -type f -name '*.js' | xargs sed -i "s#A#$B#g"
find /srv/html -type f \( -name '*.js' -o -name '*.css' \) -exec sed -i s/a/b/ '{}' +
find -exec touch {} \;
find -L "$DIR" /b ! -name x | while read -r f; do sed -i s/a/b/ "$f"; done
grep -rl API /app/dist | xargs sed -i s/a/b/
grep API /app/dist | xargs sed -i s/a/b/
for f in /srv/assets/*.js /srv/*.css; do for g in $(find /x -name y); do sed -i s/a/b/ "$f" "$g"; done; done
while read line; do echo "$line"; done
