package verify

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/client"
)

// Close removes everything that this run made: first what it knows of, then,
// twice, whatever carries its label. A build that was interrupted can still
// finish an image after the client is gone.
func (d *Docker) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	d.mu.Lock()
	containers, images, interrupted := slices.Collect(maps.Keys(d.containers)), slices.Collect(maps.Keys(d.images)), d.cli != nil && d.cli.interrupted
	d.mu.Unlock()
	var errs []error
	for _, id := range containers {
		errs = append(errs, d.Remove(ctx, id))
	}
	for _, name := range images {
		errs = append(errs, d.removeImage(name))
	}
	errs = append(errs, d.sweep(ctx))
	if interrupted {
		time.Sleep(time.Second)
		errs = append(errs, d.sweep(ctx))
	}
	d.api.Close()
	if err := errors.Join(errs...); err != nil {
		return &Error{Kind: EngineDown, Msg: "what this run made could not be removed: " + oneLine(err.Error()),
			Hint: fmt.Sprintf("docker ps -aq --filter label=%s=%s lists the containers, docker images -q the images", Label, d.run), Err: err}
	}
	return nil
}

func (d *Docker) removeImage(name string) error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	_, err := d.api.ImageRemove(ctx, name, client.ImageRemoveOptions{Force: true, PruneChildren: true})
	if err != nil && !cerrdefs.IsNotFound(err) {
		return err
	}
	d.mu.Lock()
	delete(d.images, name)
	d.mu.Unlock()
	return nil
}

// sweep removes what carries the label of the run.
func (d *Docker) sweep(ctx context.Context) error {
	filter := client.Filters{}.Add("label", Label+"="+d.run)
	var errs []error
	cs, err := d.api.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: filter})
	errs = append(errs, err)
	for _, c := range cs.Items {
		errs = append(errs, d.Remove(ctx, c.ID))
	}
	imgs, err := d.api.ImageList(ctx, client.ImageListOptions{Filters: filter})
	errs = append(errs, err)
	for _, i := range imgs.Items {
		errs = append(errs, d.removeImage(i.ID))
	}
	nets, err := d.api.NetworkList(ctx, client.NetworkListOptions{Filters: filter})
	errs = append(errs, err)
	for _, n := range nets.Items {
		_, err := d.api.NetworkRemove(ctx, n.ID, client.NetworkRemoveOptions{})
		errs = append(errs, err)
	}
	vols, err := d.api.VolumeList(ctx, client.VolumeListOptions{Filters: filter})
	errs = append(errs, err)
	for _, v := range vols.Items {
		_, err := d.api.VolumeRemove(ctx, v.Name, client.VolumeRemoveOptions{Force: true})
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
