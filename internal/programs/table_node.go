package programs

func nodeTools() []Program {
	npm := func(name, cache string, aliases []string, verified, source string) Program {
		return Program{
			Name: name, Aliases: aliases, Root: CanRoot, Home: true,
			Why:      "It needs nothing of root but a $HOME that it can write.",
			Wrapper:  &Wrapper{Script: true, Values: []string{"--prefix", "--cwd", "-C", "--dir", "-p", "--package", "-w", "--workspace", "--filter"}},
			Variants: []Variant{{Packages: []string{name}, Writes: []Path{dir(cache).why("its cache and debug logs")}, VerifiedLab: verified}},
			Sources:  []string{source},
		}
	}
	return []Program{
		npm("npm", "{home}/.npm", []string{"npx", "npm-run-all", "run-s", "run-p", "concurrently", "cross-env", "turbo"}, "bookworm", "https://docs.npmjs.com/cli/v10/using-npm/config#cache"),
		npm("yarn", "{home}/.cache/yarn", []string{"yarnpkg"}, "", "https://classic.yarnpkg.com/lang/en/docs/cli/cache/"),
		npm("pnpm", "{home}/.local/share/pnpm", []string{"pnpx", "corepack"}, "", "https://pnpm.io/settings#storedir"),
		{
			Name: "next", Aliases: []string{"next-server"}, Root: CanRoot, Why: "It needs nothing of root.", Ports: []string{"3000/tcp"},
			Variants: []Variant{{Writes: []Path{dir("{workdir}/.next").why("by next dev, and pages that are made anew"), dir("{workdir}/.next/cache").why("images and fetched data")}}},
			Sources:  []string{"https://github.com/vercel/next.js/blob/canary/examples/with-docker/Dockerfile", "https://nextjs.org/docs/app/building-your-application/deploying#caching-and-isr"},
		},
		{
			Name: "nuxt", Aliases: []string{"nuxi", "nuxt-ts"}, Root: CanRoot, Why: "It needs nothing of root.", Ports: []string{"3000/tcp"},
			Variants: []Variant{{Writes: []Path{dir("{workdir}/.nuxt").optional().why("by nuxt dev; a built .output writes nothing")}}},
			Sources:  []string{"https://nuxt.com/docs/getting-started/deployment"},
		},
		{
			Name: "vite", Aliases: []string{"astro"}, Root: CanRoot, Why: "It needs nothing of root.", Ports: []string{"5173/tcp", "3000/tcp", "4321/tcp"},
			Variants: []Variant{{
				Writes: []Path{tree("{workdir}/node_modules/.vite").why("dependencies that it has bundled; it stops where it cannot")},
				Note:   "A development server, which writes its cache into the application.",
			}},
			Sources: []string{"https://vite.dev/config/shared-options.html#cachedir", "https://docs.astro.build/en/reference/configuration-reference/#cachedir"},
		},
		{
			Name: "webpack", Aliases: []string{"webpack-dev-server", "react-scripts", "vue-cli-service", "craco", "react-app-rewired", "ng", "storybook", "start-storybook", "docusaurus", "gatsby", "parcel"},
			Root: CanRoot, Why: "It needs nothing of root.", Ports: []string{"3000/tcp", "4200/tcp", "8000/tcp", "8080/tcp", "1234/tcp", "6006/tcp"},
			Variants: []Variant{{
				Writes: []Path{
					tree("{workdir}/node_modules/.cache").why("of loaders and plugins, which stop where they cannot"),
					dir("{workdir}/.angular").optional(), dir("{workdir}/.cache").optional(), dir("{workdir}/.parcel-cache").optional(), dir("{workdir}/dist").optional(),
				},
				Note: "A development server, which writes its caches into the application.",
			}},
			Sources: []string{
				"https://github.com/sindresorhus/find-cache-dir", "https://webpack.js.org/configuration/cache/#cachecachedirectory", "https://angular.dev/cli/cache",
				"https://github.com/facebook/create-react-app/blob/v5.0.1/packages/react-scripts/config/webpack.config.js",
			},
		},
		{
			Name: "remix-serve", Aliases: []string{"remix", "react-router-serve"}, Root: CanRoot, Why: "It needs nothing of root.", Ports: []string{"3000/tcp"},
			Variants: []Variant{{}},
			Sources:  []string{"https://remix.run/docs/en/main/other-api/serve"},
		},
		{
			Name: "pm2", Aliases: []string{"pm2-runtime", "pm2-docker"}, Root: CanRoot, Home: true, Why: "It needs nothing of root but a $HOME that it can write.",
			Variants: []Variant{{Writes: []Path{dir("{home}/.pm2").why("its socket, pid files and logs; PM2_HOME moves it")}}},
			Sources:  []string{"https://pm2.keymetrics.io/docs/usage/docker-pm2-nodejs/", "https://pm2.keymetrics.io/docs/usage/specifics/#multiple-pm2-on-the-same-server"},
		},
		{
			Name: "cypress", Root: CanRoot, Home: true, OneShot: true, Why: "It needs nothing of root but a $HOME that it can write.",
			Variants: []Variant{{
				Writes: []Path{dir("{workdir}/cypress/screenshots"), dir("{workdir}/cypress/videos"), dir("{workdir}/cypress/downloads")},
				Note:   "It keeps its settings in $HOME/.config/Cypress, and warns where it cannot write the project's directory.",
			}},
			Sources: []string{"https://docs.cypress.io/app/references/configuration#Folders--Files", "https://docs.cypress.io/app/references/configuration#Downloads", "https://github.com/cypress-io/cypress-docker-images/pull/1278"},
		},
		{
			Name: "backstage", Root: CanRoot, Why: "It needs nothing of root.", Ports: []string{"7007/tcp"},
			Invocations: []Invocation{{
				Name: "node", Words: []string{"packages/backend", "./packages/backend", "packages/backend/", "packages/backend/dist/index.cjs.js"},
				Values: []string{"-r", "--require", "--import", "--loader", "--env-file"}, With: "app-config",
			}},
			Variants: []Variant{{
				Writes: []Path{tree("{workdir}/packages/app/dist/static").why("the configuration, which older versions write into the application's files at every start")},
			}},
			Sources: []string{
				"https://github.com/backstage/backstage/blob/v1.30.0/plugins/app-backend/src/lib/config/injectConfig.ts", "https://github.com/backstage/backstage/issues/4135",
				"https://github.com/backstage/backstage/issues/25573", "https://github.com/backstage/backstage/pull/27689",
			},
		},
		{
			Name: "serve", Aliases: []string{"http-server", "json-server", "live-server"}, Root: CanRoot, Why: "It needs nothing of root.", Ports: []string{"3000/tcp", "8080/tcp"},
			Variants: []Variant{{}},
			Sources:  []string{"https://github.com/vercel/serve", "https://github.com/http-party/http-server"},
		},
		{
			Name: "strapi", Root: CanRoot, Why: "It needs nothing of root.", Ports: []string{"1337/tcp"},
			Variants: []Variant{{Writes: []Path{dir("{workdir}/.tmp"), tree("{workdir}/public/uploads"), dir("{workdir}/.strapi").optional(), dir("{workdir}/dist").optional()}}},
			Sources:  []string{"https://docs.strapi.io/cms/installation/docker", "https://docs.strapi.io/cms/configurations/database"},
		},
		{
			Name: "ghost", Root: CanRoot, Why: "It needs nothing of root.", Ports: []string{"2368/tcp"},
			Variants: []Variant{{
				Images: []string{"ghost"}, Account: shipped("node", 1000, 1000, "/home/node"),
				Writes: []Path{dir("/var/lib/ghost/content").owned().volume()},
				Note:   "The entry point changes to node only when it starts as root.",
			}},
			Sources: []string{"https://github.com/docker-library/ghost/blob/master/6/bookworm/Dockerfile"},
		},
		{
			Name: "n8n", Aliases: []string{"node-red"}, Root: CanRoot, Home: true, Why: "It needs nothing of root.", Ports: []string{"5678/tcp", "1880/tcp"},
			Variants: []Variant{{
				Images: []string{"n8nio/n8n", "nodered/node-red"}, Account: shipped("node", 1000, 1000, "/home/node"),
				Writes: []Path{dir("{home}/.n8n"), dir("/data").optional()},
				Note:   "The image is already non-root.",
			}},
			Sources: []string{"https://github.com/n8n-io/n8n/blob/master/docker/images/n8n/Dockerfile", "https://github.com/node-red/node-red-docker"},
		},
	}
}
